"""The fast decoder and the pydantic model agree: on what is an event, on why not, and on every value."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import event as seen
from hypothesis import example as case
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.decode import Decoded
from pipeline.decode_columns import SOURCES
from pipeline.decode_reader import FIELDS, READ_ERRORS, reader, row_type
from pipeline.records import NOTE_ANSWER
from pipeline.strings import Strings
from schemas.event import CASE_STATUSES, DEFAULT_CHANNELS, EVENT_TYPES, Event, Tick, scale_range
from schemas.examples import examples
from schemas.judgement import judge
from schemas.limits import DEFAULT_LIMITS, Limits
from schemas.rejections import RefusedError
from tests.decode.support import BASE, decoded, objects, text_of
from tests.support.laws import tries

TIGHT = Limits(max_id_chars=3, max_label_chars=4, max_text_chars=5, max_measures=2, max_attributes=2, max_number=9.0)


def verdict(value: bytes, limits: Limits) -> Event | Tick | RefusedError:
    """The model's own, without any of the pipeline."""
    try:
        return judge(json.loads(value), limits)
    except RefusedError as error:
        return error


@given(fields=objects(), ascii_only=st.booleans(), limits=st.sampled_from([DEFAULT_LIMITS, DEFAULT_LIMITS, TIGHT]))
@case(fields={**BASE, "occurred_at": "2199-12-31T23:59:59.999999Z"}, ascii_only=False, limits=DEFAULT_LIMITS)
@settings(max_examples=tries(400), deadline=None)
def test_decode_agrees_with_the_model(fields: dict[str, Any], ascii_only: bool, limits: Limits) -> None:
    value = text_of(fields, ascii_only=ascii_only)
    expected = verdict(value, limits)
    strings = Strings()
    found = decoded(value, strings=strings, limits=limits)
    if isinstance(expected, RefusedError):
        seen("refused")
        (rejected,) = found.rejected
        assert (rejected.reason, rejected.message) == (expected.reason.value, expected.message)
    elif isinstance(expected, Event):
        seen("accepted")
        assert found.rejected == []
        assert_columns(found, expected, strings)


@pytest.mark.parametrize(
    "example", [example for example in examples() if example.value is not None], ids=lambda example: example.name
)
def test_what_the_fast_reader_takes_from_examples_is_taken_by_the_model(example: Any) -> None:
    try:
        row = reader(DEFAULT_LIMITS).read(example.value)
    except READ_ERRORS:
        return
    found = verdict(example.value.removeprefix(b"\xef\xbb\xbf"), DEFAULT_LIMITS)
    assert isinstance(found, Event) or example.reason == found.reason.value  # type: ignore[union-attr]
    assert row.event_id


def test_the_struct_mirrors_the_model() -> None:
    assert row_type(DEFAULT_LIMITS).__struct_fields__ == FIELDS == tuple(Event.model_fields)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"goal": "12345"}, "string_too_long"),
        ({"journey_id": "1234"}, "string_too_long"),
        ({"attributes": {"a": "123456"}}, "string_too_long"),
        ({"measures": {"a": 1, "b": 2, "c": 3}}, "too_many_entries"),
        ({"attributes": {"a": "", "b": "", "c": ""}}, "too_many_entries"),
        ({"amount": -9.5}, "number_out_of_range"),
    ],
)
def test_limits_are_settings(fields: dict[str, Any], reason: str) -> None:
    value = text_of({**BASE, **fields})
    assert len(decoded(value).events) == 1
    assert [rejected.reason for rejected in decoded(value, limits=TIGHT).rejected] == [reason]


def assert_columns(found: Decoded, event: Event, strings: Strings) -> None:
    """Every column of the only event is the model's value."""
    (record,) = found.events
    assert found.event_ids == [event.event_id]
    assert record["occurred_ms"] == event.occurred_at
    assert strings.text(record["customer"]) == event.customer_id
    assert EVENT_TYPES[record["type"]] == event.type
    assert record["sequence"] == (event.sequence or 0)
    assert record["status"] == (CASE_STATUSES.index(event.status) if event.status else -1)
    texts = {column: strings.text(record[column]) for column in SOURCES}
    given = {column: getattr(event, field) or "" for column, field in SOURCES.items()}
    assert texts == given | {"channel": event.channel or DEFAULT_CHANNELS[event.type]}
    for name in ("severity", "visible", "resolved", "transfers"):
        number = getattr(event, name)
        assert record[name] == (-1 if number is None else number)
    for name in ("wait_s", "promised_s", "duration_s", "amount"):
        assert same(record[name], getattr(event, name))
    assert found.measures.tolist() == [event.measures or {}]
    assert found.attributes.tolist() == [event.attributes or {}]
    assert_notes(found, event, strings)


def assert_notes(found: Decoded, event: Event, strings: Strings) -> None:
    """The notes are the answer, if there is one."""
    expected: list[tuple[Any, ...]] = []
    if event.scale:
        low, high = scale_range(event.scale, event.scale_min, event.scale_max)
        expected.append((NOTE_ANSWER, event.scale, "", event.value, low, high))
    assert len(found.notes) == len(expected)
    for note, (kind, name, text, value, low, high) in zip(found.notes, expected, strict=True):
        assert (note["owner"], note["kind"]) == (0, kind)
        assert (strings.text(note["name"]), strings.text(note["text"])) == (name, text)
        assert same(note["value"], value)
        assert same(note["low"], low)
        assert same(note["high"], high)
        assert note["at_ms"] == event.occurred_at
        assert note["event_hash"] == found.events["event_hash"][0]


def same(found: float, expected: float | None) -> bool:
    """Equal, NaN standing for not given."""
    return math.isnan(found) if expected is None else bool(found == expected)
