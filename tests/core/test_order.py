"""Any order, any slicing, any repetition: the same tables."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.policy import DAY_MS, Policy
from tests.core.harness import FOREVER, differences, event, random_events, run
from tests.support.laws import tries


@pytest.mark.parametrize("lateness_days", [1, 500])
@pytest.mark.parametrize(("size", "count", "customers"), [(1, 150, 2), (7, 900, 12), (100, 900, 12)])
def test_slicing_does_not_show(size: int, count: int, customers: int, lateness_days: int) -> None:
    events = random_events(count, seed=11, customers=customers)
    policy = Policy(lateness_ms=lateness_days * DAY_MS)
    assert differences(run(events, policy=policy).tables, run(events, size, policy).tables) == []


@pytest.mark.parametrize("seed", range(4))
def test_any_order_within_the_lateness_gives_the_same_tables(seed: int) -> None:
    events = random_events(900, seed=seed)
    shuffled = random.Random(seed).sample(events, len(events))
    assert differences(run(events, policy=FOREVER).tables, run(shuffled, 50, FOREVER).tables) == []


@pytest.mark.parametrize("seed", range(4))
def test_a_small_disorder_does_not_show_at_a_small_lateness(seed: int) -> None:
    events = random_events(900, seed=seed)
    draw = random.Random(seed)
    jittered = sorted(events, key=lambda one: one["occurred_at"] + draw.random() * 0.9 * DAY_MS)
    sink = run(jittered, 40)
    assert sink.counts["late"] == 0
    assert differences(run(events).tables, sink.tables) == []


def test_the_same_input_twice_adds_nothing() -> None:
    events = random_events(600, seed=3)
    twice = run([*events, *events], 70, FOREVER)
    assert twice.counts["duplicates"] == len(events)
    assert differences(run(events, policy=FOREVER).tables, twice.tables) == []


def test_of_conflicting_duplicates_the_first_in_the_log_wins() -> None:
    events = random_events(50, seed=5)
    changed = [one | {"touchpoint": "other"} for one in events]
    sink = run([*events, *changed], 30, FOREVER)
    assert sink.counts["conflicts"] == sink.counts["duplicates"] == len(events)
    assert differences(run(events, policy=FOREVER).tables, sink.tables) == []


@settings(max_examples=tries(15), deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 80), st.integers(1, 25), st.integers(0, 3))
def test_laws_hold_for_small_histories(seed: int, count: int, size: int, customers: int) -> None:
    events = random_events(count, seed=seed, customers=1 + customers, days=4)
    shuffled = random.Random(seed).sample(events, count)
    assert differences(run(events, policy=FOREVER).tables, run(shuffled, size, FOREVER).tables) == []


def test_an_event_id_is_remembered_for_the_lateness_whatever_the_slices() -> None:
    story = [
        event(1, 0),
        event(2, 10 * DAY_MS, customer="bob"),
        event(1, 10 * DAY_MS, "call"),
        event(1, 10 * DAY_MS + 1, "call"),
    ]
    whole, single = run(story), run(story, 1)
    assert whole.counts["duplicates"] == single.counts["duplicates"] == 1
    assert differences(whole.tables, single.tables) == []
