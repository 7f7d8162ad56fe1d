"""Every example becomes what its place says; every format, reason, limit, type and scale has one."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from pipeline.batch import RawBatch
from pipeline.decode import Decoded, decode
from pipeline.decode_reader import reader
from pipeline.policy import HOUR_MS
from pipeline.strings import Strings
from schemas.event import CASE_STATUSES, EVENT_TYPES, SCALES, Event, Tick
from schemas.examples import WIRE_FORMATS, Example, examples, plain_events
from schemas.limits import DEFAULT_LIMITS, Limits
from schemas.rejections import Reason

ALL = list(examples())
ACCEPTED = [example for example in ALL if example.reason is None]
REJECTED = [example for example in ALL if example.reason is not None]


def decoded(*records: Example) -> Decoded:
    batch = RawBatch(
        offsets=np.arange(len(records)),
        timestamps=np.array([record.appended_at for record in records]),
        keys=[record.key for record in records],
        values=[record.value for record in records],
        headers=[record.headers for record in records],
    )
    return decode(batch, Strings(), DEFAULT_LIMITS, HOUR_MS)


@pytest.mark.parametrize("example", ACCEPTED, ids=lambda example: example.name)
def test_an_accepted_example_is_accepted(example: Example) -> None:
    found = decoded(example)
    assert found.rejected == []
    assert len(found.events) + len(found.ticks) == 1
    assert (found.payloads == [example.value]) is (example.expect["type"] != "tick")


@pytest.mark.parametrize("example", ACCEPTED, ids=lambda example: example.name)
def test_an_accepted_example_has_the_values_it_expects(example: Example) -> None:
    found = reader(DEFAULT_LIMITS).study(example.value, example.headers)
    model = Tick if isinstance(found, Tick) else Event
    values = {name: getattr(found, name) for name in model.model_fields}
    moment = values["occurred_at"]
    values["occurred_at"] = moment if isinstance(moment, int) else int(moment.timestamp() * 1000)
    assert {name: values[name] for name in example.expect} == dict(example.expect)


@pytest.mark.parametrize("example", REJECTED, ids=lambda example: example.name)
def test_a_rejected_example_is_rejected_for_its_reason(example: Example) -> None:
    found = decoded(example)
    assert len(found.events) == len(found.ticks) == 0
    (rejected,) = found.rejected
    assert rejected.reason == example.reason
    assert example.says in rejected.message
    assert (rejected.value, rejected.key, rejected.headers) == (example.value, example.key, example.headers)


def test_bad_records_leave_the_good_ones_of_their_batch_unharmed() -> None:
    mixed = [example for pair in zip(ACCEPTED, REJECTED, strict=False) for example in pair]
    found = decoded(*mixed)
    good = [offset for offset, example in enumerate(mixed) if example.reason is None]
    assert sorted([*found.events["offset"].tolist(), *found.ticks["offset"].tolist()]) == good
    assert [rejected.reason for rejected in found.rejected] == [mixed[r.offset].reason for r in found.rejected]
    assert len(found.rejected) == len(mixed) - len(good)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_an_example_and_explains_itself(reason: Reason) -> None:
    assert any(example.reason == reason.value for example in REJECTED)
    assert reason.explanation.endswith(".")
    assert reason.action.endswith(".")


@pytest.mark.parametrize("wire", WIRE_FORMATS)
def test_every_wire_format_has_examples_of_both_outcomes(wire: str) -> None:
    assert any(example.wire == wire for example in ACCEPTED)
    assert any(example.wire == wire for example in REJECTED)


@pytest.mark.parametrize("limit", [field.name for field in dataclasses.fields(Limits)])
def test_every_limit_has_an_example_at_it_and_one_beyond(limit: str) -> None:
    assert any(example.limit == limit for example in ACCEPTED)
    assert any(example.limit == limit for example in REJECTED)


def test_plain_events_show_every_type_status_and_scale() -> None:
    events = [Event.model_validate(fields) for fields in plain_events()]
    assert {event.type for event in events} == set(EVENT_TYPES)
    assert {event.status for event in events} - {None} == set(CASE_STATUSES)
    assert {event.scale for event in events} - {None} == set(SCALES)


def test_plain_events_decode() -> None:
    values = [json.dumps(fields).encode() for fields in plain_events()]
    nobody = [None] * len(values)
    batch = RawBatch(np.arange(len(values)), np.full(len(values), 1_718_000_000_000), nobody, values)
    found = decode(batch, Strings(), DEFAULT_LIMITS, HOUR_MS)
    assert found.rejected == []
    assert len(found.events) == len(values)
