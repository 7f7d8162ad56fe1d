"""A crash between changelog and offset: the state alone, and the log since the last marker, give every row back."""

from __future__ import annotations

import pytest

from pipeline.batch import RawBatch
from pipeline.partition import OutOfOrderError
from pipeline.policy import Policy
from tests.core.harness import Sink, differences, pipeline, random_events, run, slices

SIZE = 60


def _crash_at(place: int, batches: list[RawBatch], policy: Policy) -> Sink:
    """Process all batches; the rows of the flush at ``place`` are lost, a successor takes over there."""
    changelog: dict[bytes, bytes] = {}
    sink, worker = Sink(), pipeline(policy, {})
    for number, part in enumerate(batches):
        flush = worker.process([part])
        for key, value in flush.changes.items():
            if value is None:
                changelog.pop(key, None)
            else:
                changelog[key] = value
        if number != place:
            sink.take(flush)
            continue
        worker = pipeline(policy, dict(changelog))
        committed = flush.marker.previous
        assert worker.marker == flush.marker
        sink.write(worker.rewrite(committed))
        reread, _ = worker.reread([part])
        sink.write(reread)
    return sink


@pytest.mark.parametrize("place", [0, 3, 9, 14])
def test_a_successor_writes_what_its_predecessor_lost(place: int) -> None:
    events = random_events(900, seed=21)
    batches = list(slices(events, SIZE))
    assert differences(run(events).tables, _crash_at(place, batches, Policy()).tables) == []


def test_late_events_that_change_identities_after_a_crash_leave_no_row_behind() -> None:
    events = random_events(600, seed=22, customers=3)
    early, rest = events[::7], [one for place, one in enumerate(events) if place % 7]
    mixed = [*rest, *early]
    policy = Policy(lateness_ms=500 * 86_400_000)
    for place in range(0, 10, 3):
        assert (
            differences(run(mixed, policy=policy).tables, _crash_at(place, list(slices(mixed, SIZE)), policy).tables)
            == []
        )


def test_the_last_change_is_the_marker() -> None:
    flush = pipeline().process(list(slices(random_events(20, seed=1), 20)))
    assert list(flush.changes)[-1] == b"m"


def test_records_that_do_not_follow_are_refused() -> None:
    worker = pipeline()
    first, *_ = slices(random_events(20, seed=1), 20)
    worker.process([first])
    with pytest.raises(OutOfOrderError, match="is not after 19"):
        worker.process([first])


def test_rewriting_changes_no_state() -> None:
    state: dict[bytes, bytes] = {}
    worker = pipeline(state=state)
    for part in slices(random_events(200, seed=2), 50):
        worker.process([part])
    before = dict(state)
    worker.rewrite(worker.marker.previous)
    assert state == before


@pytest.mark.parametrize("seed", [5001, 5015, 5023, 5078])
def test_what_a_lost_flush_changed_is_not_forgotten_in_it(seed: int) -> None:
    """Long histories in few flushes: journeys fall silent and failures expire while their rows are unconfirmed."""
    events = random_events(120, seed=seed, customers=2, days=120)
    expected = run(events).tables
    for size in (17, 60):
        batches = list(slices(events, size))
        for place in range(len(batches)):
            assert differences(expected, _crash_at(place, batches, Policy()).tables) == []


def test_an_alert_names_the_same_interaction_in_any_slicing() -> None:
    """Two interactions of one channel at the time of a failure: the one that it is part of, not the first at hand."""
    policy = Policy(lateness_ms=3 * 86_400_000, failure_retention_ms=5 * 86_400_000)
    for seed in (5121, 5122, 5123):
        events = random_events(400, seed=seed, customers=5, days=2)
        events.sort(key=lambda one: one["occurred_at"] + one["occurred_at"] * 7919 % policy.lateness_ms)
        expected = run(events, policy=policy).tables
        assert differences(expected, run(events, 17, policy).tables) == []
