"""Content hashes, keys, arrival times, ticks, and independence of slicing."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from pipeline.decode import decode
from pipeline.policy import HOUR_MS
from pipeline.strings import Strings
from schemas.event import Event
from schemas.examples import examples, plain_events
from schemas.limits import DEFAULT_LIMITS
from tests.decode.support import ANSWER, BASE, CASE, NOW_MS, RATING, batch_of, decoded, text_of

FULL: dict[str, Any] = {
    **BASE,
    **dict.fromkeys(("channel", "touchpoint", "segment", "interaction_id", "journey_id", "goal", "reason"), "a"),
    **dict.fromkeys(("outcome", "team", "skill", "skill_needed"), "a"),
    "severity": 1,
    "visible": True,
    "resolved": False,
    "transfers": 0,
    **dict.fromkeys(("wait_s", "promised_s", "duration_s", "amount"), 0),
    "sequence": 4,
    "measures": {"x": 1, "y": 2},
    "attributes": {"x": "1", "y": "2"},
}
CE = {"specversion": "1.0", "id": "other", "source": "s", "type": "t"}


def content_hash(fields: object) -> int:
    found = decoded(fields if isinstance(fields, bytes) else text_of(fields))
    assert found.rejected == []
    return int(found.events["content_hash"][0])


@pytest.mark.parametrize(
    "same",
    [
        text_of(dict(reversed(FULL.items()))),
        text_of({**FULL, "measures": {"y": 2.0, "x": 1.0}, "attributes": {"y": "2", "x": "1"}}),
        text_of({**FULL, "occurred_at": 1_717_236_000_000}),
        text_of({**FULL, "occurred_at": "2024-06-01T12:00:00.000+02:00"}),
        text_of({**FULL, "wait_s": -0.0, "status": None, "scale": ""}),
        b"\x00\x00\x00\x00\x2a" + text_of(FULL),
        text_of({**CE, "data": FULL}),
        text_of({**CE, "data_base64": base64.b64encode(text_of(FULL)).decode()}),
    ],
)
def test_the_same_content_has_the_same_hash(same: bytes) -> None:
    assert content_hash(same) == content_hash(FULL)


def changed(fields: dict[str, Any], name: str) -> dict[str, Any]:
    """``fields`` with another valid value of one field."""
    value = fields[name]
    others = {"type": "chat", "occurred_at": "2024-06-01T10:00:00.001Z", "scale": "ces", "status": "closed"}
    match value:
        case bool():
            other: Any = not value
        case int() | float():
            other = value + 0.5 if name.endswith("_s") or name in {"amount", "value"} else value + 1
        case dict():
            other = {"x": value["y"], "y": value["x"]}
        case _:
            other = others.get(name, f"{value}2")
    return {**fields, name: other}


@pytest.mark.parametrize("name", FULL)
def test_another_value_of_any_field_has_another_hash(name: str) -> None:
    assert content_hash(changed(FULL, name)) != content_hash(FULL)


@pytest.mark.parametrize("name", sorted(FULL.keys() - BASE.keys()))
def test_a_missing_field_has_another_hash(name: str) -> None:
    default = {"channel": "phone"}.get(name)
    shorter = {field: value for field, value in FULL.items() if field != name}
    assert content_hash(shorter) != content_hash(FULL)
    assert content_hash({**shorter, name: default}) == content_hash(shorter)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in (ANSWER, RATING, CASE) for name in kind])
def test_answers_and_cases_are_hashed_too(kind: dict[str, Any], name: str) -> None:
    before = {**BASE, **kind}
    after = BASE if name == "type" else changed(before, name)
    assert content_hash(after) != content_hash(before)


def test_every_field_of_the_model_is_in_a_hash_test() -> None:
    assert set(Event.model_fields) == set(FULL) | set(RATING) | set(CASE)


def test_the_usual_range_of_a_scale_may_be_spelt_out() -> None:
    assert content_hash({**BASE, **ANSWER, "scale_min": 0, "scale_max": 10}) == content_hash({**BASE, **ANSWER})


def test_a_measure_an_attribute_and_swapped_names_differ() -> None:
    bags: list[dict[str, Any]] = [{"measures": {"x": 1, "y": 2}}, {"measures": {"x": 2, "y": 1}}]
    bags += [{"attributes": {"x": "y"}}, {"attributes": {"y": "x"}}, {"measures": {"x": 1}}, {}]
    assert len({content_hash({**BASE, **bag}) for bag in bags}) == len(bags)


def test_hashes_do_not_depend_on_the_interner_the_offset_or_the_broker_time() -> None:
    used = Strings()
    for number in range(100):
        used[f"text {number}"]
    value = text_of(FULL)
    fresh = decoded(value)
    again = decoded(text_of({**FULL, "event_id": "before"}), value, strings=used, appended_at=NOW_MS - 5, first=77)
    assert again.events["content_hash"][1] == fresh.events["content_hash"][0]
    assert again.events["event_hash"][1] == fresh.events["event_hash"][0]
    assert again.events["offset"].tolist() == [77, 78]
    assert again.events["append_ms"].tolist() == [NOW_MS - 5] * 2


def test_slicing_does_not_show() -> None:
    records = [example for example in examples() if len(example.value or b"") < 4096] * 12
    records += [records[0]] * 1000
    values = [record.value for record in records]
    keys = [record.key for record in records]
    headers = [record.headers for record in records]
    whole = decode(batch_of(values, keys=keys, headers=headers), Strings(), DEFAULT_LIMITS, HOUR_MS)
    assert len(records) > 2048
    strings = Strings()
    parts = [
        decode(batch_of([value], keys=[key], headers=[header], first=offset), strings, DEFAULT_LIMITS, HOUR_MS)
        for offset, (value, key, header) in enumerate(zip(values, keys, headers, strict=True))
    ]
    for column in ("offset", "occurred_ms", "content_hash", "event_hash", "type", "amount"):
        np.testing.assert_array_equal(whole.events[column], np.concatenate([part.events[column] for part in parts]))
    np.testing.assert_array_equal(whole.ticks, np.concatenate([part.ticks for part in parts]))
    assert whole.rejected == [rejected for part in parts for rejected in part.rejected]
    assert whole.event_ids == [name for part in parts for name in part.event_ids]
    assert whole.payloads == [payload for part in parts for payload in part.payloads]
    assert whole.measures.tolist() == [bag for part in parts for bag in part.measures]
    assert whole.attributes.tolist() == [bag for part in parts for bag in part.attributes]
    notes = [(int(part.events["offset"][0]), note) for part in parts for note in part.notes]
    assert [int(whole.events["offset"][note["owner"]]) for note in whole.notes] == [offset for offset, _ in notes]
    np.testing.assert_array_equal(whole.notes["value"], [note["value"] for _, note in notes])


WHOLE = text_of(BASE)
HALVES = [
    (WHOLE[:-1], b'"goal": "a"}'),
    (b"[" + WHOLE, WHOLE + b"]"),
    (WHOLE + b",null", WHOLE),
    (WHOLE[:-1] + b', "goal": "', b'"}'),
    (WHOLE[:-1] + b', "attributes": {"a": "b"', b'"c": "d"}}'),
    (b"null", WHOLE),
    (WHOLE, b""),
    (b"", b""),
]


@pytest.mark.parametrize("halves", HALVES)
@pytest.mark.parametrize("doubled", [WHOLE + b"," + WHOLE, WHOLE + b"\n" + WHOLE, WHOLE + b"\n,null," + WHOLE, WHOLE])
def test_records_are_judged_apart(halves: tuple[bytes, bytes], doubled: bytes) -> None:
    values = [*halves, doubled]
    found = decoded(*values)
    alone = [decoded(value, first=offset) for offset, value in enumerate(values)]
    assert found.event_ids == [name for part in alone for name in part.event_ids]
    assert found.rejected == [rejected for part in alone for rejected in part.rejected]


def test_a_batch_of_many_types_has_its_notes_in_order_of_owner() -> None:
    found = decoded(*map(text_of, plain_events()))
    owners = found.notes["owner"].tolist()
    assert owners == sorted(owners)
    np.testing.assert_array_equal(found.notes["at_ms"], found.events["occurred_ms"][owners])
    np.testing.assert_array_equal(found.notes["sequence"], found.events["sequence"][owners])


@pytest.mark.parametrize(
    ("key", "rejected"),
    [(None, []), (b"c-1", []), (b"c-2", ["key_mismatch"]), (b"", ["key_mismatch"]), (b"\xff", ["key_mismatch"])],
)
def test_the_key_is_the_customer(key: bytes | None, rejected: list[str]) -> None:
    assert [record.reason for record in decoded(text_of(BASE), keys=[key]).rejected] == rejected


@pytest.mark.parametrize("kind", [BASE, {"type": "tick", "occurred_at": BASE["occurred_at"]}])
@pytest.mark.parametrize(("ahead_ms", "rejected"), [(-5, []), (HOUR_MS, []), (HOUR_MS + 1, ["far_future"])])
def test_far_future_is_judged_by_the_broker_time(kind: dict[str, Any], ahead_ms: int, rejected: list[str]) -> None:
    found = decoded(text_of(kind), appended_at=1_717_236_000_000 - ahead_ms)
    assert [record.reason for record in found.rejected] == rejected


def test_without_broker_time_there_is_no_future() -> None:
    assert decoded(text_of(BASE), appended_at=-1).rejected == []


def test_ticks_are_no_events() -> None:
    tick = text_of({"type": "tick", "occurred_at": "2024-06-01T10:00:00Z", "own": 1})
    found = decoded(text_of(BASE), tick, text_of({**BASE, "event_id": "e-2"}))
    assert found.ticks.tolist() == [(1, NOW_MS, 1_717_236_000_000)]
    assert found.events["offset"].tolist() == [0, 2]


def test_rejections_are_in_order_of_offset_and_keep_the_record() -> None:
    headers = [[("h", b"1")]] * 4
    found = decoded(
        text_of(BASE), b"{", text_of({**BASE, "goal": "a\nb"}), None, keys=[b"x", b"k", None, None], headers=headers
    )
    assert [(record.offset, record.reason) for record in found.rejected] == [
        (0, "key_mismatch"),
        (1, "not_json"),
        (2, "control_character"),
        (3, "null_value"),
    ]
    assert [record.key for record in found.rejected] == [b"x", b"k", None, None]
    assert [record.timestamp for record in found.rejected] == [NOW_MS] * 4
    assert found.rejected[1].value == b"{"
    assert found.rejected[1].headers == headers[1]


def test_escapes_that_are_no_control_characters_are_text() -> None:
    value = text_of({**BASE, "goal": 'C:\\new "quoted" \u00fc'}, ascii_only=True)
    strings = Strings()
    found = decoded(value, strings=strings)
    assert strings.text(found.events["goal"][0]) == 'C:\\new "quoted" \u00fc'


@pytest.mark.parametrize(
    "times", [["2024-06-01T10:00:00Z"], [1_717_236_000_000], ["2024-06-01T10:00:00Z", 1_717_236_000_000]]
)
def test_spellings_of_time_mix_in_a_batch(times: list[Any]) -> None:
    found = decoded(*(text_of({**BASE, "occurred_at": time}) for time in times * 3))
    assert set(found.events["occurred_ms"].tolist()) == {1_717_236_000_000}
    assert len(found.events) == len(times) * 3
