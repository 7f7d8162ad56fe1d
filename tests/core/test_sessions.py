"""Interactions by case: extend, bridge, merge, explicit ids, one-way events, naming."""

from __future__ import annotations

from typing import Any

from pipeline.policy import DAY_MS, HOUR_MS, MINUTE_MS
from tests.core.harness import FOREVER, START_MS, Event, event, run


def interactions(*events: Event, size: int = 1) -> list[dict[str, Any]]:
    """The interactions of ``events``, one record a batch unless said otherwise, in order of start."""
    rows = run(events, size, FOREVER).tables.get("interaction_rows", {})
    return sorted(rows.values(), key=lambda row: (row["started_at"], row["channel"]))


def spans(*events: Event) -> list[tuple[int, int, int]]:
    """(start, end, events) of each interaction, in minutes after START_MS."""
    return [
        ((row["started_at"] - START_MS) // MINUTE_MS, (row["ended_at"] - START_MS) // MINUTE_MS, row["events"])
        for row in interactions(*events)
    ]


def at(number: int, minute: int, kind: str = "browse", **fields: Any) -> Event:
    return event(number, minute * MINUTE_MS, kind, **fields)


def test_a_gap_of_exactly_the_threshold_does_not_cut() -> None:
    assert spans(at(1, 0), at(2, 30)) == [(0, 30, 2)]


def test_a_longer_gap_cuts() -> None:
    assert spans(at(1, 0), at(2, 31)) == [(0, 0, 1), (31, 31, 1)]


def test_a_late_event_extends_to_the_front() -> None:
    assert spans(at(1, 20), at(2, 0)) == [(0, 20, 2)]


def test_a_late_event_bridges_two_interactions_and_the_superseded_row_goes() -> None:
    assert spans(at(1, 0), at(2, 50), at(3, 25)) == [(0, 50, 3)]


def test_channels_are_apart() -> None:
    assert spans(at(1, 0), at(2, 5, "call")) == [(0, 0, 1), (5, 5, 1)]


def test_asynchronous_channels_have_a_day() -> None:
    assert spans(at(1, 0, channel="email"), at(2, 23 * 60, channel="email")) == [(0, 23 * 60, 2)]


def test_an_explicit_id_is_never_cut_by_a_gap() -> None:
    far = 300 * DAY_MS // MINUTE_MS
    assert spans(at(1, 0, "call", interaction_id="x"), at(2, far, "call", interaction_id="x")) == [(0, far, 2)]


def test_an_explicit_id_joins_channels() -> None:
    rows = interactions(at(1, 0, "call", interaction_id="x"), at(2, 1, "chat", interaction_id="x"))
    assert [(row["channel"], row["events"]) for row in rows] == [("phone", 2)]


def test_cases_of_one_channel_are_apart() -> None:
    assert len(interactions(at(1, 0, "call", journey_id="a"), at(2, 1, "call", journey_id="b"))) == 2


def test_one_way_events_are_no_interaction() -> None:
    sink = run([at(1, 0, "ad"), at(2, 1, "promise", promised_s=60)])
    assert "interaction_rows" not in sink.tables
    [row] = sink.tables["expectation_rows"].values()
    assert (row["ads"], row["promises"], row["recommendations"]) == (1, 1, 0)


def test_first_and_last_values_follow_event_time_not_arrival() -> None:
    [row] = interactions(
        at(2, 9, "call", touchpoint="b", outcome="solved", resolved=True, wait_s=20),
        at(1, 3, "call", touchpoint="a", outcome="open", resolved=False, wait_s=10, transfers=1),
    )
    assert (row["touchpoint"], row["outcome"], row["resolved"]) == ("a", "solved", 1)
    assert (row["wait_s"], row["transfers"]) == (30, 1)


def test_equal_moments_are_ordered_by_sequence() -> None:
    [row] = interactions(at(1, 0, "call", outcome="last", sequence=2), at(2, 0, "call", outcome="first", sequence=1))
    assert row["outcome"] == "last"


def test_a_goal_given_after_the_naming_window_does_not_name() -> None:
    day = 24 * 60
    late_name = at(2, day + 1, "call", interaction_id="x", goal="late", reason="late")
    [row] = interactions(at(1, 0, "call", interaction_id="x"), late_name)
    assert (row["goal"], row["reason"]) == ("", "")
    [row] = interactions(at(1, 0, "call", interaction_id="x"), late_name | {"occurred_at": START_MS + day * MINUTE_MS})
    assert (row["goal"], row["reason"]) == ("late", "late")


def test_an_interaction_closes_when_the_watermark_passes_its_gap() -> None:
    other = [at(2, 30, customer="bob"), at(3, 31, customer="bob")]
    closed = [row["closed"] for row in interactions(at(1, 0), *other) if row["customer_id"] == "ann"]
    assert closed == [True]
    closed = [row["closed"] for row in interactions(at(1, 0), other[0]) if row["customer_id"] == "ann"]
    assert closed == [False]


def test_customers_are_apart() -> None:
    assert len(interactions(at(1, 0), at(2, 1, customer="bob"), at(3, 2))) == 2


def test_a_late_event_is_an_output_of_its_own() -> None:
    events = [event(1, 0), event(2, 3 * DAY_MS, customer="bob"), event(3, 2 * DAY_MS - 1), event(4, 2 * DAY_MS)]
    sink = run(events, 1)
    [row] = sink.tables["late_rows"].values()
    assert (row["event_id"], row["watermark"]) == ("e3", START_MS + 3 * DAY_MS)
    assert sink.counts["late"] == 1
    assert {key[1] for key in sink.tables["event_rows"]} == {"e1", "e2", "e4"}


def test_a_tick_closes_what_is_silent() -> None:
    tick = {"type": "tick", "occurred_at": START_MS + HOUR_MS, "customer_id": ""}
    [row] = interactions(at(1, 0), tick)
    assert row["closed"] is True
