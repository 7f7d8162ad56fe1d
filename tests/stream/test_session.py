"""One partition's session over effects kept in memory: order, batching, suspension, failures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest

from jobs.settings import WorkerSettings
from jobs.stream.errors import DeliveryError, FencedError, RejectedShareError
from jobs.stream.fetched import Fetched, pack
from jobs.stream.flush import Effects
from jobs.stream.rejected import Letter, RejectedShare
from jobs.stream.session import Session, Surroundings
from pipeline.store import MARKER_KEY
from tests.stream.counting import CountingPipeline
from tests.stream.records import record


class World:
    """Everything outside the session, in memory; ``happened`` is the order of effects."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.failures: list[BaseException] = []
        self.committed: list[int] = []
        self.letters: list[Letter] = []
        self.written: list[Mapping[bytes, bytes | None]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.commits = True
        self.error: Exception | None = None

    async def write_changelog(self, changes: Mapping[bytes, bytes | None], letters: Sequence[Letter]) -> None:
        if self.error is not None:
            raise self.error
        self.happened.append("changelog")
        self.written.append(dict(changes))
        self.letters.extend(letters)

    async def write_rows(self, rows: Mapping[str, Any]) -> None:
        self.happened.append(f"rows {' '.join(rows)}")
        await self.gate.wait()

    async def commit(self, offset: int) -> bool:
        self.happened.append(f"commit {offset}")
        self.committed.append(offset)
        return self.commits

    async def fail(self, error: BaseException) -> None:
        self.failures.append(error)

    async def tick(self, partition: int) -> None:
        self.happened.append(f"tick {partition}")

    async def stop(self) -> None:
        self.happened.append("stop")


class Port:
    """An object with one coroutine method ``write`` (and ``stop``)."""

    def __init__(self, write: Callable[..., Awaitable[None]], stop: Callable[[], Awaitable[None]]) -> None:
        self.write = write
        self.stop = stop


@asynccontextmanager
async def session(turn: asyncio.Lock | None = None, **settings: Any) -> AsyncIterator[tuple[Session, World]]:
    world = World()
    executor = ThreadPoolExecutor(1)
    around = Surroundings(
        settings=WorkerSettings(**{"flush_interval_s": 0.05, "flush_records": 10, "tick_interval_s": 0, **settings}),
        executor=executor,
        turn=turn or asyncio.Lock(),
        share=RejectedShare(0.5, 10),
        pause=lambda partition: world.happened.append(f"pause {partition}"),
        resume=lambda partition: world.happened.append(f"resume {partition}"),
        tick=world.tick,
        fail=world.fail,
    )
    changelog: Any = Port(world.write_changelog, world.stop)
    rows: Any = Port(world.write_rows, world.stop)
    state: dict[bytes, bytes] = {}
    one = Session(CountingPipeline("in", 3, state), state, Effects("in", 3, changelog, rows, world.commit), around)
    try:
        yield one, world
    finally:
        world.gate.set()
        await one.close()
        executor.shutdown()


def fetched(first: int, count: int = 1, *, start: int | None = None, epoch: int = 1, value: bytes = b"{}") -> Fetched:
    records = [record(first + number, b"a", value) for number in range(count)]
    return Fetched(3, epoch, first if start is None else start, pack(records))


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  (any condition, not only events of our own)
            await asyncio.sleep(0.005)


def run(scenario: Callable[[], Any]) -> None:
    asyncio.run(scenario())


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
