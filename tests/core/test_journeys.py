"""Journeys by case: channels, goals, gaps, completion, explicit ids, and what is left when facts are gone."""

from __future__ import annotations

from typing import Any

from pipeline.policy import DAY_MS, Policy
from tests.core.harness import FOREVER, START_MS, Event, differences, event, run


def journeys(*events: Event, policy: Policy = FOREVER) -> list[dict[str, Any]]:
    """Journeys of ``events``, one record a batch, in order of start."""
    rows = run(events, 1, policy).tables["journey_rows"]
    return sorted(rows.values(), key=lambda row: (row["started_at"], row["journey_id"], row["goal"]))


def on(number: int, day: float, kind: str = "browse", **fields: Any) -> Event:
    return event(number, round(day * DAY_MS), kind, **fields)


def shape(*events: Event) -> list[tuple[float, float, int]]:
    """(first day, last day, interactions) of each journey."""
    return [
        ((row["started_at"] - START_MS) / DAY_MS, (row["ended_at"] - START_MS) / DAY_MS, row["interactions"])
        for row in journeys(*events)
    ]


def test_a_goal_crosses_channels_over_days() -> None:
    assert shape(on(1, 0, goal="buy"), on(2, 3, "store_visit", goal="buy"), on(3, 9, "purchase", goal="buy")) == [
        (0, 9, 3)
    ]


def test_silence_longer_than_the_gap_begins_another() -> None:
    assert shape(on(1, 0), on(2, 7), on(3, 14.5)) == [(0, 7, 2), (14.5, 14.5, 1)]


def test_goals_are_apart() -> None:
    assert len(journeys(on(1, 0, goal="a"), on(2, 1, goal="b"), on(3, 2, goal="a"))) == 2


def test_completion_ends_an_implicit_journey() -> None:
    rows = journeys(on(1, 0), on(2, 1, "purchase", outcome="completed"), on(3, 2, "use"))
    assert [(row["interactions"], row["state"]) for row in rows] == [(2, "completed"), (1, "open")]


def test_a_late_completion_splits_what_was_one() -> None:
    rows = journeys(on(1, 0), on(3, 2, "use"), on(2, 1, "purchase", outcome="completed"))
    assert [row["interactions"] for row in rows] == [2, 1]


def test_a_late_event_bridges_two_journeys() -> None:
    assert shape(on(1, 0), on(2, 12), on(3, 6, "call")) == [(0, 12, 3)]


def test_an_explicit_id_is_cut_neither_by_a_gap_nor_by_completion() -> None:
    rows = journeys(
        on(1, 0, "case", status="opened", journey_id="j"),
        on(2, 2, "case", status="closed", journey_id="j"),
        on(3, 300, "case", status="reopened", journey_id="j"),
    )
    assert [(row["journey_id"], row["interactions"], row["state"]) for row in rows] == [("j", 3, "completed")]


def test_the_same_explicit_id_of_two_customers_is_two_journeys() -> None:
    assert len(journeys(on(1, 0, journey_id="j"), on(2, 1, journey_id="j", customer="bob"))) == 2


def test_a_goal_gap_of_its_own() -> None:
    policy = Policy(lateness_ms=FOREVER.lateness_ms, goal_gaps_ms={"house": 30 * DAY_MS})
    assert len(journeys(on(1, 0, goal="house"), on(2, 25, goal="house"), policy=policy)) == 1


def test_a_journey_of_many_weeks_survives_its_forgotten_interactions() -> None:
    weeks = [on(number, number * 6.5, goal="move") for number in range(20)]
    small = run(weeks, 1).tables
    assert [row["interactions"] for row in small["journey_rows"].values()] == [20]
    assert differences(small, run(weeks, 1, FOREVER).tables) == []


def test_silent_journeys_say_so() -> None:
    rows = journeys(on(1, 0, goal="a"), on(2, 8, goal="b"), policy=Policy())
    assert [row["state"] for row in rows] == ["silent", "open"]
