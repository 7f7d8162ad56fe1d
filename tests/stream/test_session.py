"""One partition's session over effects kept in memory: order, batching, suspension, failures."""

from __future__ import annotations

import asyncio

import pytest

from jobs.stream.errors import DeliveryError, FencedError, RejectedShareError
from pipeline.store import MARKER_KEY
from tests.stream.surroundings import fetched, run, session, until


def test_effects_come_in_order() -> None:
    async def scenario() -> None:
        async with session() as (one, world):
            one.begin(1, 0)
            one.offer(fetched(0, 3))
            await until(lambda: world.committed)
            assert world.happened == ["resume 3", "changelog", "rows counts raw", "commit 3"]
            assert MARKER_KEY in world.written[0]
            assert one.position == 3

    run(scenario)


def test_batches_are_gathered_until_the_interval_ends() -> None:
    async def scenario() -> None:
        async with session(flush_interval_s=0.2) as (one, world):
            one.begin(1, 0)
            for offset in range(4):
                one.offer(fetched(offset))
                await asyncio.sleep(0.02)
            await until(lambda: world.committed)
            assert world.committed == [4]

    run(scenario)


def test_enough_records_flush_at_once_and_pause_fetching_until_taken() -> None:
    async def scenario() -> None:
        async with session(flush_interval_s=60) as (one, world):
            one.begin(1, 0)
            one.offer(fetched(0, 10))
            await until(lambda: world.committed)
            assert world.happened[:2] == ["pause 3", "resume 3"]

    run(scenario)


def test_one_unconfirmed_flush_while_more_arrives() -> None:
    async def scenario() -> None:
        async with session() as (one, world):
            world.gate.clear()
            one.begin(1, 0)
            one.offer(fetched(0, 5))
            await until(lambda: "rows counts raw" in world.happened)
            one.offer(fetched(5, 30))
            await asyncio.sleep(0.2)
            assert world.happened.count("changelog") == 1
            world.gate.set()
            await until(lambda: world.committed == [5, 35])

    run(scenario)


def test_a_missing_batch_is_refused_and_a_stale_one_ignored() -> None:
    async def scenario() -> None:
        async with session() as (one, world):
            one.begin(2, 0)
            one.offer(fetched(0, 5, epoch=1))
            one.offer(fetched(0, 5, epoch=2))
            with pytest.raises(DeliveryError, match="begins at 7, expected 5"):
                one.offer(fetched(7, epoch=2))
            one.offer(fetched(9, start=5, epoch=2))
            await until(lambda: world.committed == [10])

    run(scenario)


def test_suspension_waits_for_the_flush_and_forgets_the_rest() -> None:
    async def scenario() -> None:
        async with session() as (one, world):
            world.gate.clear()
            one.begin(1, 0)
            one.offer(fetched(0, 5))
            await until(lambda: "rows counts raw" in world.happened)
            one.offer(fetched(5, 5))
            asyncio.get_running_loop().call_later(0.1, world.gate.set)
            await one.suspend(5)
            one.offer(fetched(10, 5))
            await asyncio.sleep(0.2)
            assert world.committed == [5]
            assert not one.broken
            one.begin(2, one.position)
            one.offer(fetched(5, 5, epoch=2))
            await until(lambda: world.committed == [5, 10])

    run(scenario)


def test_a_suspension_does_not_wait_for_a_partition_whose_turn_has_not_come() -> None:
    async def scenario() -> None:
        turn = asyncio.Lock()
        async with session(turn) as (one, world):
            async with turn:
                one.begin(1, 0)
                one.offer(fetched(0, 20))
                await asyncio.sleep(0.1)
                await one.suspend(5)
            await asyncio.sleep(0.1)
            assert world.happened == ["pause 3"]
            one.begin(2, 0)
            one.offer(fetched(0, 20, epoch=2))
            await until(lambda: world.committed == [20])

    run(scenario)


def test_a_flush_that_hangs_is_abandoned_at_the_deadline() -> None:
    async def scenario() -> None:
        async with session() as (one, world):
            world.gate.clear()
            one.begin(1, 0)
            one.offer(fetched(0, 5))
            await until(lambda: "rows counts raw" in world.happened)
            await one.suspend(0.1)
            assert one.broken
            assert world.committed == []

    run(scenario)


def test_a_refused_commit_breaks_the_session_without_stopping_the_worker() -> None:
    async def scenario() -> None:
        async with session() as (one, world):
            world.commits = False
            one.begin(1, 0)
            one.offer(fetched(0, 5))
            await until(lambda: one.broken)
            one.offer(fetched(5, 20))
            await asyncio.sleep(0.2)
            assert world.happened.count("changelog") == 1
            assert world.failures == []

    run(scenario)


def test_an_error_stops_the_worker_and_confirms_nothing() -> None:
    async def scenario() -> None:
        async with session() as (one, world):
            world.error = FencedError("another worker")
            one.begin(1, 0)
            one.offer(fetched(0, 5))
            await until(lambda: world.failures)
            assert one.broken
            assert world.failures == [world.error]
            assert world.committed == []
            await one.suspend(5)

    run(scenario)


def test_without_memory_no_flush_begins_and_fetching_stops_until_there_is_some() -> None:
    async def scenario() -> None:
        async with session() as (one, world):
            world.used = 751
            one.begin(1, 0)
            one.offer(fetched(0, 20))
            await until(lambda: world.signs.full)
            assert world.happened == ["pause 3"]
            assert not one.glimpse.busy, "it hangs on nothing"
            assert world.signs.full in world.signs.unready(0)
            assert world.signs.hung(0) == []
            world.used = 750
            await until(lambda: world.committed == [20])
            assert world.happened[:3] == ["pause 3", "resume 3", "changelog"]
            assert world.signs.full == ""

    run(scenario)


def test_a_partition_that_waits_for_memory_can_be_given_up() -> None:
    async def scenario() -> None:
        async with session() as (one, world):
            world.used = 1_000
            one.begin(1, 0)
            one.offer(fetched(0, 20))
            await until(lambda: world.signs.full)
            await one.suspend(5)
            await one.close()
            assert not one.broken
            assert world.happened == ["pause 3", "stop"]
            assert world.signs.full == ""

    run(scenario)


def test_values_too_large_for_a_record_go_out_in_fragments() -> None:
    async def scenario() -> None:
        async with session() as (one, world):
            one._effects.fragments.join({b"f\0\0ka": b"\0\1" + bytes(10)})
            one.begin(1, 0)
            one.offer(fetched(0, 2))
            await until(lambda: world.committed)
            assert list(world.written[0]) == [b"ka", b"f\0\0ka", MARKER_KEY]
            assert world.written[0][b"f\0\0ka"] is None

    run(scenario)


def test_rejected_records_go_with_the_changelog() -> None:
    async def scenario() -> None:
        async with session() as (one, world):
            one.begin(1, 0)
            one.offer(fetched(0, 2, value=b"bad"))
            await until(lambda: world.committed)
            assert [dict(found.headers)["offset"] for found in world.letters] == [b"0", b"1"]

    run(scenario)


def test_too_many_rejected_records_divert_nothing() -> None:
    async def scenario() -> None:
        async with session() as (one, world):
            one.begin(1, 0)
            one.offer(fetched(0, 20, value=b"bad"))
            await until(lambda: world.failures)
            assert isinstance(world.failures[0], RejectedShareError)
            assert world.letters == []
            assert "changelog" not in world.happened

    run(scenario)


def test_an_idle_partition_with_state_ticks_and_one_without_does_not() -> None:
    async def scenario() -> None:
        async with session(tick_interval_s=0.05) as (one, world):
            one.begin(1, 0)
            await asyncio.sleep(0.2)
            assert "tick 3" not in world.happened
            one.offer(fetched(0))
            await until(lambda: world.happened.count("tick 3") >= 2)
            await one.suspend(1)
            ticks = world.happened.count("tick 3")
            await asyncio.sleep(0.2)
            assert world.happened.count("tick 3") == ticks

    run(scenario)
