"""Looking back: repeat contact, another channel first, and proactive service that led to a contact."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.simulate import Record
from pipeline.model import start_model
from pipeline.policy import DAY_MS, HOUR_MS, Policy
from pipeline.view import contributions, contributions_now, went_on
from tests.core.harness import FOREVER, Event, Sink, differences, event, run
from tests.support.laws import tries
from tests.support.perceived import perceived

KINDS = ("browse", "call", "chat", "message", "complaint", "use", "case", "proactive_service", "answer", "purchase")
SHORT = Policy(repeat_window_ms=DAY_MS, other_channel_window_ms=HOUR_MS, proactive_window_ms=2 * DAY_MS)
QUIET = {"reason": "bill"}


def asking(count: int, *, seed: int, customers: int = 6, days: float = 25.0) -> list[Event]:
    """Seeded events of customers who say why they are in touch, in order of time; many share a moment."""
    draw = random.Random(f"asking {seed}")
    return sorted((_one(draw, number, customers, days) for number in range(count)), key=lambda one: one["occurred_at"])


def _one(draw: random.Random, number: int, customers: int, days: float) -> Event:
    at_ms = round(draw.random() * days * 24) * HOUR_MS
    made = event(number, at_ms, draw.choice(KINDS), f"c{draw.randrange(customers)}")
    options: dict[str, tuple[float, Any]] = {
        "reason": (0.6, lambda: draw.choice(["bill", "line"])),
        "channel": (0.3, lambda: draw.choice(["web", "phone", "email"])),
        "visible": (0.5, lambda: draw.random() < 0.8),
        "interaction_id": (0.1, lambda: f"i{draw.randrange(8)}"),
        "journey_id": (0.2, lambda: f"j{draw.randrange(4)}"),
        "resolved": (0.2, lambda: draw.random() < 0.5),
    }
    made |= {name: value() for name, (chance, value) in options.items() if draw.random() < chance}
    if made["type"] == "answer":
        made |= {"scale": "csat", "value": draw.randrange(1, 6)}
    if made["type"] == "case":
        made["status"] = "opened"
    return made


@pytest.mark.parametrize("policy", [Policy(), SHORT], ids=["default", "short"])
@pytest.mark.parametrize(("size", "count", "customers"), [(1, 150, 2), (9, 900, 6), (80, 900, 6)])
def test_slicing_does_not_show(size: int, count: int, customers: int, policy: Policy) -> None:
    events = asking(count, seed=1, customers=customers)
    assert differences(run(events, policy=policy).tables, run(events, size, policy).tables) == []


@pytest.mark.parametrize("seed", range(4))
def test_any_order_gives_the_same_tables(seed: int) -> None:
    events = asking(700, seed=seed)
    shuffled = random.Random(seed).sample(events, len(events))
    assert differences(run(events, policy=FOREVER).tables, run(shuffled, 40, FOREVER).tables) == []


@pytest.mark.parametrize("seed", range(4))
def test_input_late_within_the_lateness_gives_the_same_tables(seed: int) -> None:
    events = asking(900, seed=seed, days=60)
    draw = random.Random(seed)
    late = sorted(events, key=lambda one: one["occurred_at"] + draw.random() ** 3 * 0.95 * DAY_MS)
    sink = run(late, 25)
    assert sink.counts["late"] == 0
    assert differences(run(events).tables, sink.tables) == []


def test_the_same_input_twice_adds_nothing() -> None:
    events = asking(500, seed=9)
    assert differences(run(events, policy=FOREVER).tables, run([*events, *events], 60, FOREVER).tables) == []


@settings(max_examples=tries(15), deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 60), st.integers(1, 20))
def test_laws_hold_for_small_histories(seed: int, count: int, size: int) -> None:
    events = asking(count, seed=seed, customers=2, days=12)
    shuffled = random.Random(seed).sample(events, count)
    assert differences(run(events, policy=FOREVER).tables, run(shuffled, size, FOREVER).tables) == []


def needs_weight(sink: Sink, kind: str, number: int = 0) -> float:
    """Undecayed evidence on meets_needs of the customer's interaction of that type."""
    rows = [row for row in sink.tables["interaction_rows"].values() if str(row["type"]) == kind]
    rows.sort(key=lambda row: row["started_at"])
    found: float = rows[number]["interaction_meets_needs_sum"]
    return found


def contact_at(days: float, **fields: Any) -> list[Event]:
    """A chat about a bill, then a call after some days, and ticks of time by another customer."""
    end = round(days * DAY_MS)
    return [event(1, 0, "chat", **QUIET), event(2, end, "call", **QUIET | fields)]


def without(story: list[Event]) -> list[Event]:
    return story[1:]


@pytest.mark.parametrize(
    ("days", "fields", "repeats"),
    [(0.5, {}, True), (7.0, {}, True), (7.001, {}, False), (3.0, {"reason": "line"}, False)],
)
def test_a_repeat_contact_is_about_the_same_within_the_window(
    days: float, fields: dict[str, Any], repeats: bool
) -> None:
    story = contact_at(days, **fields)
    alone = run(without(story))
    assert (needs_weight(run(story), "call") != needs_weight(alone, "call")) == repeats


def test_no_reason_says_nothing_about_repeats() -> None:
    story = [event(1, 0, "chat"), event(2, DAY_MS, "call")]
    assert needs_weight(run(story), "call") == needs_weight(run(without(story)), "call")


def test_one_contact_of_many_events_is_no_repeat() -> None:
    one = [event(number, number * 60_000, "call", **QUIET) for number in range(5)]
    apart = replace(Policy(), repeat_window_ms=0)
    assert needs_weight(run(one), "call") == needs_weight(run(one, policy=apart), "call")


def test_a_late_first_contact_makes_the_second_a_repeat_even_when_it_was_written_already() -> None:
    first, second = contact_at(0.4)
    clock = event(3, DAY_MS // 2, "browse", customer="bob")
    assert differences(run([first, second, clock]).tables, run([second, clock, first], 1).tables) == []


def test_a_first_contact_that_left_the_state_is_remembered() -> None:
    story = [event(1, 0, "chat", **QUIET)]
    story += [event(10 + day, day * DAY_MS, "browse", customer="bob") for day in range(1, 7)]
    story += [event(2, round(6.5 * DAY_MS), "call", **QUIET)]
    forgetful = run(story, 1)
    assert differences(run(story).tables, forgetful.tables) == []
    assert needs_weight(forgetful, "call") != needs_weight(run(without(story)), "call")


def test_a_visit_to_the_site_is_another_channel_but_no_contact() -> None:
    story = [event(1, 0, "browse", **QUIET), event(2, HOUR_MS, "call", **QUIET)]
    rows = {name: run(story, policy=policy) for name, policy in (("seen", Policy()), ("unseen", SHORT))}
    narrow = run(story, policy=replace(SHORT, other_channel_window_ms=HOUR_MS - 1))
    assert needs_weight(rows["seen"], "call") == needs_weight(rows["unseen"], "call")
    assert needs_weight(narrow, "call") != needs_weight(rows["seen"], "call")


@pytest.mark.parametrize(
    ("fields", "days", "cancelled"),
    [
        ({"reason": "outage"}, 2.0, True),
        ({"reason": "outage"}, 8.0, False),
        ({"reason": "line"}, 2.0, False),
        ({"journey_id": "j"}, 6.9, True),
        ({"journey_id": "other"}, 2.0, False),
    ],
)
def test_a_contact_about_it_cancels_proactive_service(fields: dict[str, Any], days: float, cancelled: bool) -> None:
    service = event(1, 0, "proactive_service", visible=True, reason="outage", journey_id="j")
    call = event(2, round(days * DAY_MS), "call", **fields)
    clock = [event(10 + day, day * DAY_MS, "browse", customer="bob") for day in range(1, 20)]
    story = sorted([service, call, *clock], key=lambda one: one["occurred_at"])
    sink = run(story, 1)
    assert (needs_weight(sink, "proactive_service") == 0) == cancelled
    assert differences(run(story).tables, sink.tables) == []


@pytest.mark.parametrize("seed", range(5))
def test_cells_get_from_the_view_what_perceiving_again_would_give(seed: int) -> None:
    """Only interactions that went on after their window have to be perceived again, as they were inside it."""
    events = asking(500, seed=seed, days=40)
    records = [
        Record(one["customer_id"].encode(), json.dumps(one).encode(), one["occurred_at"], "event") for one in events
    ]
    found = perceived(records, start_model())
    now, every = found.view, np.arange(len(found.view.rows))
    assert 0 < np.count_nonzero(went_on(now)) < len(every)
    again = contributions(now.facts, now.notes, every, now.watermark_ms, found.context)
    known = contributions_now(now, every, found.context)
    assert known.totals.tobytes() == again.totals.tobytes()
    for name, column in again.where.items():
        assert np.array_equal(known.where[name], column)
