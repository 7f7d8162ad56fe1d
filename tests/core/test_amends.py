"""Amends: what a recovery gives back, what a failure that comes again adds, in any order and any slices."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model import DEFAULT_MODEL
from pipeline.policy import DAY_MS, HOUR_MS, Policy
from tests.core.harness import FOREVER, Event, Sink, differences, event, run
from tests.support.laws import tries

KINDS = ("failure", "failure", "recovery", "recovery", "use", "call", "browse", "answer")
FAULT = DEFAULT_MODEL.effects["failure"]
WEIGHT = DEFAULT_MODEL.signal_weight(FAULT)
NEEDS, JOY = FAULT.shares[0] * WEIGHT, FAULT.shares[2] * WEIGHT
POINTS = 70.0 - 8.0 / 0.05
DIMENSIONS = ("meets_needs", "easy", "enjoyable")


def failing(count: int, *, seed: int, customers: int = 5, days: float = 150.0) -> list[Event]:
    """Seeded events of customers for whom much fails, in order of time; many share a moment."""
    draw = random.Random(f"failing {seed}")
    return sorted((_one(draw, number, customers, days) for number in range(count)), key=lambda one: one["occurred_at"])


def _one(draw: random.Random, number: int, customers: int, days: float) -> Event:
    at_ms = round(draw.random() * days * 24) * HOUR_MS
    made = event(number, at_ms, draw.choice(KINDS), f"c{draw.randrange(customers)}")
    options: dict[str, tuple[float, Any]] = {
        "reason": (0.6, lambda: draw.choice(["bill", "line"])),
        "severity": (0.5, lambda: draw.randrange(1, 5)),
        "segment": (0.3, lambda: draw.choice(["gold", "basic"])),
        "interaction_id": (0.15, lambda: f"i{draw.randrange(6)}"),
        "journey_id": (0.3, lambda: f"j{draw.randrange(4)}"),
        "resolved": (0.3, lambda: draw.random() < 0.5),
        "sequence": (0.2, lambda: draw.randrange(3)),
    }
    made |= {name: value() for name, (chance, value) in options.items() if draw.random() < chance}
    if made["type"] == "answer":
        made |= {"scale": "csat", "value": draw.randrange(1, 6)}
    return made


@pytest.mark.parametrize(("size", "count", "customers"), [(1, 150, 2), (9, 700, 5), (80, 700, 5)])
def test_slicing_does_not_show(size: int, count: int, customers: int) -> None:
    events = failing(count, seed=1, customers=customers)
    assert differences(run(events).tables, run(events, size).tables) == []


@pytest.mark.parametrize("seed", range(4))
def test_any_order_gives_the_same_tables(seed: int) -> None:
    events = failing(600, seed=seed, days=40)
    shuffled = random.Random(seed).sample(events, len(events))
    assert differences(run(events, policy=FOREVER).tables, run(shuffled, 40, FOREVER).tables) == []


@pytest.mark.parametrize("seed", range(4))
def test_input_late_within_the_lateness_gives_the_same_tables(seed: int) -> None:
    events = failing(700, seed=seed)
    draw = random.Random(seed)
    late = sorted(events, key=lambda one: one["occurred_at"] + draw.random() ** 3 * 0.95 * DAY_MS)
    sink = run(late, 25)
    assert sink.counts["late"] == 0
    assert differences(run(events).tables, sink.tables) == []


def test_the_same_input_twice_adds_nothing() -> None:
    events = failing(500, seed=9)
    assert differences(run(events, policy=FOREVER).tables, run([*events, *events], 60, FOREVER).tables) == []


@settings(max_examples=tries(15), deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 60), st.integers(1, 20))
def test_laws_hold_for_small_histories(seed: int, count: int, size: int) -> None:
    events = failing(count, seed=seed, customers=2, days=12)
    shuffled = random.Random(seed).sample(events, count)
    assert differences(run(events, policy=FOREVER).tables, run(shuffled, size, FOREVER).tables) == []


def interaction(sink: Sink, kind: str, number: int = 0) -> dict[str, Any]:
    """One of the customer's interactions of that type, in order of time."""
    rows = [row for row in sink.tables["interaction_rows"].values() if str(row["type"]) == kind]
    return sorted(rows, key=lambda row: row["started_at"])[number]


def silence(days: int) -> list[Event]:
    """Time passes for another customer."""
    return [event(100 + day, day * DAY_MS, "browse", "bob") for day in range(1, days)]


def faded(days: float) -> float:
    return float(2 ** (-days * DAY_MS / DEFAULT_MODEL.relationship.half_life_ms))


@pytest.mark.parametrize("hours", [0.0, 1.0, 24.0, 240.0])
def test_a_recovery_gives_back_the_more_the_faster_it_comes(hours: float) -> None:
    story = [event(1, 0, "failure", severity=4), event(2, round(hours * HOUR_MS) + 1, "recovery", channel="phone")]
    row = interaction(run(story), "recovery")
    given = 0.7 * 2 ** (-hours / 24) * NEEDS * faded(hours / 24)
    assert row["relationship_meets_needs_weight"] == pytest.approx(-given, abs=1e-6)
    assert row["relationship_meets_needs_sum"] == pytest.approx(-given * POINTS, abs=1e-4)
    assert row["interaction_meets_needs_weight"] == 0


def test_what_is_given_back_lies_between_the_failure_and_nothing() -> None:
    failure = event(1, 0, "failure", severity=4)
    broken, fixed = run([failure]), run([failure, event(2, HOUR_MS, "recovery")])
    customer = ("ann",)
    one, other = (sink.tables["customer_rows"][customer] for sink in (broken, fixed))
    for name in DIMENSIONS:
        assert 0 < other[f"relationship_{name}_weight"] < one[f"relationship_{name}_weight"]
        assert one[f"relationship_{name}_sum"] < other[f"relationship_{name}_sum"] <= 0


def test_the_weight_given_back_is_the_weight_after_the_cap() -> None:
    crowd = {"interaction_id": "i", "journey_id": "j"}
    story = [
        event(1, 0, "failure", severity=4, **crowd),
        event(2, 60_000, "call", resolved=False, transfers=3, **crowd),
        event(3, 120_000, "complaint", **crowd),
        *silence(5),
        event(4, DAY_MS, "recovery", journey_id="j"),
    ]
    held = interaction(run(sorted(story, key=lambda one: one["occurred_at"])), "failure")
    given = interaction(run(sorted(story, key=lambda one: one["occurred_at"])), "recovery")
    assert held["interaction_meets_needs_weight"] == pytest.approx(0.38)
    assert 0 < -given["relationship_meets_needs_weight"] < 0.35 * NEEDS * faded(1)


@pytest.mark.parametrize(("severity", "earlier", "thanked"), [(1, 0, True), (2, 0, True), (3, 0, False), (1, 1, False)])
def test_being_put_right_is_enjoyed_once_and_if_it_was_not_severe(severity: int, earlier: int, thanked: bool) -> None:
    before = [event(9, 0, "failure", reason="line")] * earlier
    story = [
        *before,
        event(1, DAY_MS, "failure", severity=severity, reason="line", journey_id="j"),
        event(2, DAY_MS + 1, "recovery", journey_id="j", channel="phone"),
    ]
    row = interaction(run(story), "recovery")
    assert row["relationship_enjoyable_weight"] == pytest.approx(-0.7 * JOY + 0.1 * thanked, abs=1e-5)
    if thanked:
        assert row["relationship_enjoyable_sum"] == pytest.approx(-0.7 * JOY * POINTS + 0.1 * 75, abs=1e-3)


def test_a_failure_that_comes_again_weighs_half_as_much_more() -> None:
    story = [event(1, 0, "failure", journey_id="j"), event(2, 40 * DAY_MS, "failure", journey_id="j")]
    once, twice = run(story[1:]), run(story)
    one, other = (interaction(sink, "failure", -1) for sink in (once, twice))
    assert other["relationship_meets_needs_weight"] - one["relationship_meets_needs_weight"] == pytest.approx(NEEDS / 2)
    assert other["interaction_meets_needs_weight"] == one["interaction_meets_needs_weight"]


@pytest.mark.parametrize("days", [20, 89])
def test_a_failure_whose_interaction_left_the_state_is_still_made_good(days: int) -> None:
    story = [event(1, 0, "failure", severity=4), *silence(days), event(2, days * DAY_MS, "recovery"), *silence(1)]
    after = [event(500 + day, (days + day) * DAY_MS, "browse", "bob") for day in range(1, 20)]
    assert differences(run([*story, *after]).tables, run([*story, *after], 1).tables) == []
    given = interaction(run([*story, *after], 1), "recovery")["relationship_meets_needs_weight"]
    assert given == pytest.approx(-0.7 * 2**-days * NEEDS * faded(days))


def test_sums_of_the_customer_are_those_of_the_interactions() -> None:
    """Whatever was forgotten: explanations and histories rely on it."""
    sink = run(failing(500, seed=3), 20)
    for customer in sink.tables["customer_rows"].values():
        for name in DIMENSIONS:
            rows = [
                row for row in sink.tables["interaction_rows"].values() if row["customer_id"] == customer["customer_id"]
            ]
            total = sum(
                row[f"journey_{name}_weight"] * 2 ** (-(customer["as_of"] - row["ended_at"]) / (14 * DAY_MS))
                for row in rows
            )
            assert customer[f"journey_{name}_weight"] == pytest.approx(total, abs=1e-9)


def test_a_recovery_far_away_changes_nothing() -> None:
    window = Policy().failure_retention_ms
    story = [event(1, 0, "failure"), *silence(90), event(2, window + HOUR_MS, "recovery")]
    assert interaction(run(story, 1), "recovery")["relationship_meets_needs_weight"] == 0
