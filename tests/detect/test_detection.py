"""Detection over a log of cells: whatever the order, the batches, the crashes and the corrections, one final story."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from pipeline.detect.pages import unpack
from pipeline.detect.series import Scope
from pipeline.detect.telling import AMENDED, WITHDRAWN
from pipeline.policy import HOUR_MS
from schemas.alert import AlertTransition
from tests.detect.blocks import FIRST_MS, Log, Record, World, chunks
from tests.detect.cells import DAY, noisy, with_total

DAYS = 26
BEGIN = 24 * DAY
END = BEGIN + 12
"""The fall is over by then."""
PHONE = Scope("phone")
LEAVES = [Scope("phone", "gold"), Scope("phone", "basic")]


@pytest.fixture(scope="module")
def world() -> World:
    falls = np.zeros((DAYS * DAY, 2))
    falls[BEGIN:END] = 15.0
    return World(with_total(noisy(7, LEAVES, 40.0, DAYS, falls=falls), PHONE))


def records(world: World, first: int, end: int) -> list[Record]:
    """In order of time."""
    return [one for hour in range(first, end) for part in range(world.partitions) for one in world.records(hour, part)]


@pytest.fixture(scope="module")
def at_once(world: World) -> Log:
    log = Log()
    log.take(records(world, 0, world.hours))
    return log


@pytest.fixture(scope="module")
def learnt(world: World) -> Log:
    """Just before the fall."""
    log = Log()
    log.take(records(world, 0, BEGIN - 2))
    return log


def pages(emitted: list[AlertTransition]) -> list[AlertTransition]:
    return [one for one in emitted if one.state == "firing" and not one.parent and not one.amended]


def test_a_fall_is_told_once_with_its_leaves_and_its_cause(at_once: Log) -> None:
    (page,) = pages(at_once.emitted)
    assert (page.detector, page.kind, page.scope, page.grain) == ("drop", "scores", {"channel": "phone"}, "hour")
    assert FIRST_MS + BEGIN * HOUR_MS < page.at_ms <= FIRST_MS + (BEGIN + 3) * HOUR_MS
    assert page.cause.verdict == "real fall"
    assert [set(part) for part in page.affected] == [{"channel", "segment"}] * 2
    assert page.expected is not None
    assert page.observed is not None
    assert page.expected - page.observed == pytest.approx(page.size, abs=0.01)
    life = [one.state for one in at_once.emitted if one.alert_id == page.alert_id]
    assert [state for state in life if state not in {"pending", "recovering"}] == ["firing", "resolved"]
    others = {one.alert_id: one.parent for one in at_once.emitted if one.state == "firing"}
    assert [alert_id for alert_id, parent in others.items() if not parent] == [page.alert_id]


def test_transitions_are_numbered_without_gap(at_once: Log) -> None:
    by_alert: dict[str, list[int]] = {}
    for one in at_once.emitted:
        by_alert.setdefault(one.alert_id, []).append(one.sequence)
    assert by_alert
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in by_alert.values())


def test_hour_by_hour_tells_the_same_as_all_at_once(world: World, at_once: Log, learnt: Log) -> None:
    live = learnt.copy()
    for hour in range(BEGIN - 2, END + 8):
        live.take(records(world, hour, hour + 1))
    live.take(records(world, END + 8, world.hours))
    assert [one.model_copy(update={"watermark_ms": 0}) for one in live.emitted] == [
        one.model_copy(update={"watermark_ms": 0}) for one in at_once.emitted
    ]


def arrivals(world: World, seed: int) -> Iterator[Record]:
    """The days of the fall as they may arrive: partitions apart, hours half known at first, corrected later."""
    draw = random.Random(seed)
    streams: list[list[Record]] = []
    for part in range(world.partitions):
        stream: list[Record] = []
        due: dict[int, list[int]] = {}
        for hour in range(BEGIN - 2, world.hours):
            early = draw.random() < 0.4
            scale, shift = (draw.uniform(0.3, 1), draw.uniform(-20, 20)) if early else (1.0, 0.0)
            stream += world.records(hour, part, scale=scale, shift=shift)
            if early:
                due.setdefault(min(hour + draw.randrange(1, 30), world.hours - 1), []).append(hour)
            for order, late in enumerate(due.pop(hour, ()), 1):
                stream += world.correction(late, part, hour, order)
        streams.append(stream)
    while any(streams):
        stream = draw.choice([one for one in streams if one])
        yield stream.pop(0)


@pytest.mark.parametrize("seed", range(3))
def test_any_arrival_within_the_lateness_ends_in_the_same_states(
    world: World, at_once: Log, learnt: Log, seed: int
) -> None:
    draw = random.Random(seed)
    log = learnt.copy()
    for part in chunks(list(arrivals(world, seed)), (draw.randrange(5, 25) for _ in range(10_000))):
        log.take(part)
    log.finish()
    same_states(log, at_once)


def same_states(one: Log, other: Log) -> None:
    """All alerts in the same states since and at the same times; sizes but for what is not worth telling again."""
    mine, theirs = one.states(), other.states()
    assert {key: (state, at, pages) for key, (state, at, _, pages) in mine.items()} == {
        key: (state, at, pages) for key, (state, at, _, pages) in theirs.items()
    }
    for key, (*_, size, _) in mine.items():
        assert size == pytest.approx(theirs[key][2], rel=0.12, abs=1.1)


def test_a_restart_at_any_flush_repeats_nothing_and_loses_nothing(world: World, learnt: Log) -> None:
    through, state = learnt.copy(), dict(learnt.state)
    seen = list(learnt.emitted)
    for hour in range(BEGIN - 1, BEGIN + 8):
        through.take(records(world, hour, hour + 1))
        restarted = Log(dict(state))
        seen += restarted.take(records(world, hour, hour + 1))
        flush = restarted.flushes[-1]
        state |= {key: value for key, value in flush.changes.items() if value is not None}
        for key in [key for key, value in flush.changes.items() if value is None]:
            state.pop(key, None)
        assert state == restarted.state, "the changelog holds the state"
    assert seen == through.emitted
    assert state == through.state


def test_takeover_writes_the_rows_of_the_last_flush_again(world: World, learnt: Log) -> None:
    log = learnt.copy()
    log.take(records(world, BEGIN - 2, BEGIN + 3))
    flush = log.flushes[-1]
    rows = flush.rows["alert_rows"]
    heir = Log(dict(log.state)).pipeline
    again = heir.rewrite(flush.marker.previous)["alert_rows"]
    identity = ("alert_id", "sequence")
    both = [
        sorted(zip(*(list(columns[name]) for name in (*identity, *columns)), strict=True)) for columns in (rows, again)
    ]
    assert str(both[0]) == str(both[1])
    assert heir.rewrite(flush.marker.offset) == {}


def test_late_data_take_an_alert_back(world: World, learnt: Log) -> None:
    log = learnt.copy()
    bad = [one for part in range(2) for one in world.records(BEGIN - 2, part, shift=40.0)]
    log.take([*bad, *records(world, BEGIN - 1, BEGIN)])
    (page,) = pages(log.emitted)
    log.take([one for part in range(2) for one in world.correction(BEGIN - 2, part, BEGIN - 1, 1)])
    after = [one for one in log.emitted if one.alert_id == page.alert_id and one.sequence > page.sequence]
    assert (after[-1].state, after[-1].amended, after[-1].reason) == ("withdrawn", True, WITHDRAWN)
    assert "firing" not in {state for state, *_ in log.states().values()}


def test_late_data_amend_an_alert(world: World, learnt: Log) -> None:
    log = learnt.copy()
    log.take(records(world, BEGIN - 2, BEGIN + 3))
    (page,) = pages(log.emitted)
    log.take([one for part in range(2) for one in worse(world, BEGIN, part, BEGIN + 2)])
    after = [one for one in log.emitted if one.alert_id == page.alert_id and one.sequence > page.sequence]
    assert [(one.state, one.amended, one.reason) for one in after] == [("firing", True, AMENDED)]
    assert after[0].size > page.size + 1


def worse(world: World, hour: int, part: int, known: int) -> list[Record]:
    mean = world.mean.copy()
    try:
        world.mean[hour] -= 20
        return world.correction(hour, part, known, 1)
    finally:
        world.mean = mean


def test_a_partition_is_waited_for_but_not_for_ever(world: World, learnt: Log) -> None:
    """Partition 1 stops at the beginning of the fall; log time goes on with partition 0."""
    waiting, patient = learnt.copy(idle_ms=10 * HOUR_MS), learnt.copy(idle_ms=2 * HOUR_MS)
    alone = [one for hour in range(BEGIN - 2, BEGIN + 6) for one in world.records(hour, 0)]
    for log in (waiting, patient):
        log.take(alone)
    assert waiting.pipeline.marker.watermark_ms == FIRST_MS + (BEGIN - 2) * HOUR_MS
    assert waiting.emitted == learnt.emitted
    assert patient.pipeline.marker.watermark_ms == FIRST_MS + (BEGIN + 6) * HOUR_MS
    for log in (waiting, patient):
        log.take([one for hour in range(BEGIN - 2, world.hours) for one in world.records(hour, 1)])
        log.take([one for hour in range(BEGIN + 6, world.hours) for one in world.records(hour, 0)])
        log.finish()
    same_states(waiting, patient)
    assert any(state == "resolved" for state, *_ in waiting.states().values())


def test_repeats_and_blocks_of_others_change_nothing(world: World, learnt: Log) -> None:
    log = learnt.copy()
    before = {key: value for key, value in log.state.items() if key[:1] == b"p"}
    old = records(world, BEGIN - 30, BEGIN - 2)
    strangers = [(b"another/0", value, at) for _, value, at in records(world, BEGIN, BEGIN + 1)]
    assert log.take([*old, *strangers]) == []
    assert {key: value for key, value in log.state.items() if key[:1] == b"p"} == before


def test_an_unreadable_block_is_rejected_and_stops_nothing(world: World, learnt: Log) -> None:
    log = learnt.copy()
    good = records(world, BEGIN - 2, BEGIN - 1)
    log.take([(good[0][0], b"no block", 5), *good])
    (rejected,) = log.flushes[-1].rejected
    assert rejected.reason == "unreadable_block"
    assert log.pipeline.marker.watermark_ms == FIRST_MS + (BEGIN - 1) * HOUR_MS


def test_settled_buckets_are_kept_once_for_all_partitions(at_once: Log) -> None:
    keys = [key.split(b"\x1f") for key in at_once.state if key[:1] == b"p"]
    settled = {parts[1] for parts in keys if parts[2] == b"-1"}
    assert len(settled) > 20 * 24
    assert all(parts[2] == b"-1" for parts in keys if parts[1] in settled)
    one = next(key for key in at_once.state if key[:6] == b"phour\x1f" and key.endswith(b"\x1f-1"))
    assert len(unpack(at_once.state[one]).names) == 3
