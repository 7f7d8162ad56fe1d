"""Short logs that broke the agreement once, or could: each is told record by record, one flush each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from jobs.replay import prepare
from jobs.warehouse.opening import open_warehouse
from jobs.warehouse.protocol import Warehouse
from pipeline.decode_columns import text_hashes
from pipeline.model import DEFAULT_MODEL
from pipeline.policy import DAY_MS, HOUR_MS, MINUTE_MS, Policy
from tests.core.harness import APPENDED_MS, Event, event
from tests.oracle.logs import Entry, write
from tests.oracle.oracle import build, differences

pytestmark = pytest.mark.leaves_threads(reason="chDB keeps its threads")

PATIENT = replace(Policy(), goal_gaps_ms={"upgrade": 14 * DAY_MS})
HASTY = replace(Policy(), goal_gaps_ms={"upgrade": 4 * DAY_MS})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    opened = open_warehouse(f"chdb://{tmp_path_factory.mktemp('stories') / 'store'}")
    yield opened
    opened.close()


def agreed(store: Warehouse, story: list[Event], policy: Policy = Policy()) -> str:
    """What the pipeline's views and the oracle disagree about after ``story``."""
    prepare(store, replace=True)
    log = [Entry(one["customer_id"].encode(), json.dumps(one).encode(), APPENDED_MS) for one in story]
    write(log, store, policy, DEFAULT_MODEL, partitions=1, flush=1)
    build(store, policy, DEFAULT_MODEL)
    return "\n".join(differences(store))


def clock(at_ms: int) -> Event:
    """Another customer's event: time passes."""
    return event(at_ms // MINUTE_MS + 1_000, at_ms, customer="bob")


def first_and_second_by_hash() -> tuple[int, int]:
    """Numbers of two events, the one with the smaller hash first."""
    one, other = sorted((3, 4), key=lambda number: text_hashes([f"e{number}"]).tolist())
    return one, other


def test_a_late_event_bridges_two_journeys(store: Warehouse) -> None:
    """The interaction keeps the start, and so the journey, of its first part."""
    hour = HOUR_MS
    story = [
        event(1, 0, "message"),
        event(2, 13 * hour, "message", outcome="completed"),
        event(3, 38 * hour, "message"),
        clock(60 * hour),
        event(5, 36 * hour + 30 * MINUTE_MS, "message"),
    ]
    assert agreed(store, story) == ""


@pytest.mark.parametrize("policy", [PATIENT, HASTY])
def test_an_explicit_journey_falls_silent_by_its_own_gap(store: Warehouse, policy: Policy) -> None:
    """Its goal is that of its interactions, not its own: the goal's gap says nothing about it."""
    bought = event(1, 0, "purchase", goal="upgrade", journey_id="order", interaction_id="basket")
    assert agreed(store, [bought, *(clock(day * DAY_MS) for day in range(1, 10))], policy) == ""


def test_ties_outlive_forgetting(store: Warehouse) -> None:
    """Of two interactions of the same moment the greater hash says segment and outcome, forgotten or not."""
    smaller, greater = first_and_second_by_hash()
    story = [
        event(smaller, 0, "call", journey_id="case", interaction_id="call", resolved=True, segment="gold"),
        event(greater, 0, "call", journey_id="case", resolved=False, segment="basic"),
        *(clock(day * DAY_MS) for day in (1, 9, 10)),
        event(9, 10 * DAY_MS, "call", journey_id="case"),
    ]
    assert agreed(store, story) == ""


def test_a_naming_window_ends_between_two_names(store: Warehouse) -> None:
    """A goal that comes too late names nothing, and the journey id of an explicit interaction neither."""
    story = [
        event(1, 0, "case", interaction_id="case", status="opened"),
        event(2, DAY_MS + 1, "case", interaction_id="case", status="updated", goal="late", journey_id="late"),
        event(3, 5 * DAY_MS, "chat", goal="fix"),
        event(4, 5 * DAY_MS + 60_000, "chat", goal="other"),
    ]
    assert agreed(store, story) == ""


def test_a_gap_is_exceeded_only_when_it_is_longer(store: Warehouse) -> None:
    gap = Policy().interaction_gap_ms
    story = [event(1, 0), event(2, gap), event(3, 2 * gap + 1), event(4, 3 * gap + 1, outcome="completed")]
    journey = Policy().journey_gap_ms
    start = 2 * gap + 1
    after = [
        event(5, 3 * gap + 1, "chat"),
        event(6, start + journey, "call"),
        event(7, start + 2 * journey + 1, "call"),
    ]
    assert agreed(store, story + after) == ""
