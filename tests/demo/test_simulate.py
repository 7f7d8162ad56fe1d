"""The simulated world: reproducible, valid, complete, and bad on the day it should be."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from jobs.simulate import Record, Scenario, simulate
from jobs.simulate.bad import KINDS
from jobs.simulate.scenario import incident
from pipeline.policy import DAY_MS, HOUR_MS, Policy
from schemas.event import CASE_STATUSES, EVENT_TYPES, ONE_WAY_TYPES, SCALES, Event

SMALL = Scenario(customers=120, days=12, seed=7)
GOOD = ("event", "delayed", "late", "duplicate", "conflict")


@pytest.fixture(scope="module")
def world() -> list[Record]:
    """Enough customers for every kind of event and of damage."""
    return list(simulate(Scenario(customers=800, days=30, seed=1, bad_share=0.01)))


@pytest.fixture(scope="module")
def events(world: list[Record]) -> list[dict[str, Any]]:
    return [json.loads(record.value or b"") for record in world if record.kind in GOOD]


def test_the_same_seed_gives_the_same_records() -> None:
    assert list(simulate(SMALL)) == list(simulate(SMALL))


def test_another_seed_gives_other_records() -> None:
    first = {record.value for record in simulate(SMALL)}
    other = {record.value for record in simulate(replace(SMALL, seed=8))}
    assert len(first & other) < len(first) / 50


def test_records_come_in_order_of_arrival(world: list[Record]) -> None:
    arrivals = [record.timestamp_ms for record in world]
    assert arrivals == sorted(arrivals)


def test_no_event_arrives_before_it_happens(world: list[Record]) -> None:
    from jobs.simulate.stage import rfc3339

    for record in world:
        if record.kind in GOOD:
            occurred = json.loads(record.value or b"")["occurred_at"]
            text = rfc3339(occurred) if isinstance(occurred, int) else occurred
            assert text <= rfc3339(record.timestamp_ms)


def test_keys_are_customers(world: list[Record]) -> None:
    assert all(
        (record.key or b"").decode() == json.loads(record.value or b"")["customer_id"]
        for record in world
        if record.kind in GOOD
    )


def test_shares_of_the_unruly_are_as_asked(world: list[Record]) -> None:
    kinds = Counter(record.kind.partition(":")[0] for record in world)
    good = kinds["event"] + kinds["delayed"] + kinds["late"]
    assert kinds["delayed"] / good == pytest.approx(0.05, abs=0.01)
    assert kinds["duplicate"] / good == pytest.approx(0.01, abs=0.004)
    assert kinds["bad"] / good == pytest.approx(0.01, abs=0.004)
    assert 0 < kinds["late"] < good / 200


def test_delays_are_on_the_right_side_of_the_lateness(world: list[Record]) -> None:
    from datetime import datetime

    for record in world:
        if record.kind in ("delayed", "late"):
            occurred = json.loads(record.value or b"")["occurred_at"]
            happened = occurred if isinstance(occurred, int) else datetime.fromisoformat(occurred).timestamp() * 1_000
            delay = record.timestamp_ms - happened
            assert (delay > Policy().lateness_ms) == (record.kind == "late")


def test_event_ids_repeat_only_where_meant(world: list[Record]) -> None:
    once = [json.loads(r.value or b"")["event_id"] for r in world if r.kind in ("event", "delayed", "late")]
    again = [json.loads(r.value or b"")["event_id"] for r in world if r.kind in ("duplicate", "conflict")]
    assert len(set(once)) == len(once)
    assert set(again) <= set(once)


def test_every_kind_of_damage_occurs(world: list[Record]) -> None:
    assert {record.kind for record in world if record.kind.startswith("bad:")} == {f"bad:{kind}" for kind in KINDS}


def test_every_event_is_valid(events: list[dict[str, Any]]) -> None:
    for event in events:
        Event.model_validate(event)


def test_every_type_occurs(events: list[dict[str, Any]]) -> None:
    assert {event["type"] for event in events} == set(EVENT_TYPES)


def test_every_scale_and_status_occurs(events: list[dict[str, Any]]) -> None:
    assert {event["scale"] for event in events if "scale" in event} == set(SCALES)
    assert {event["status"] for event in events if "status" in event} == set(CASE_STATUSES)


def test_a_fair_share_is_one_way(events: list[dict[str, Any]]) -> None:
    one_way = sum(event["type"] in ONE_WAY_TYPES for event in events)
    assert 0.08 < one_way / len(events) < 0.3


def test_the_incident_floods_its_hotline_on_its_days(events: list[dict[str, Any]]) -> None:
    scenario = Scenario(customers=500, days=30, seed=3)
    struck = scenario.plan[0]
    waits: dict[bool, list[float]] = {True: [], False: []}
    for event in events:
        if event["type"] == "call" and event.get("touchpoint") == struck.touchpoint and "wait_s" in event:
            at = _moment(event)
            waits[struck.start_ms <= at < struck.end_ms].append(event["wait_s"])
    during, else_ = (sum(waits[key]) / len(waits[key]) for key in (True, False))
    assert len(waits[True]) > 30
    assert during > 4 * else_


def test_a_quiet_world_has_no_incident() -> None:
    quiet = replace(SMALL, incidents=())
    assert not any(b"network_outage" in (record.value or b"") for record in simulate(quiet))


def test_a_billing_incident_hits_its_segment_only() -> None:
    struck = incident("billing", SMALL.start_ms, SMALL.days)
    day = (struck.start_ms, struck.start_ms + HOUR_MS)
    hit = Counter(
        event["segment"]
        for record in simulate(replace(SMALL, incidents=(struck,)))
        if record.kind == "event"
        and (event := json.loads(record.value or b""))["type"] == "failure"
        and event["reason"] == "wrong_bill"
        and day[0] <= _moment(event) <= day[1]
    )
    assert hit["family"] > 10
    assert sum(hit.values()) - hit["family"] <= 3


def test_ends_on_time() -> None:
    last = max(record.timestamp_ms for record in simulate(SMALL) if record.kind == "event")
    assert SMALL.end_ms - DAY_MS < last < SMALL.end_ms + DAY_MS


def _moment(event: dict[str, Any]) -> float:
    from datetime import datetime

    at = event["occurred_at"]
    return float(at) if isinstance(at, int) else datetime.fromisoformat(at).timestamp() * 1_000
