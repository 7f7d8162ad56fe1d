"""A session's surroundings in memory, for its unit tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from jobs.settings import WorkerSettings
from jobs.stream.changelog import Message
from jobs.stream.chunks import Chunk
from jobs.stream.fetched import Fetched
from jobs.stream.flush import Effects
from jobs.stream.memory import Room
from jobs.stream.rejected import Letter, RejectedShare
from jobs.stream.session import Session, Surroundings
from jobs.stream.signs import Signs
from tests.stream.counting import CountingPipeline
from tests.stream.records import record


class World:
    """Everything outside the session, in memory; ``happened`` is the order of effects."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.failures: list[BaseException] = []
        self.committed: list[int] = []
        self.letters: list[Letter] = []
        self.messages: list[Message] = []
        self.written: list[Mapping[bytes, bytes | None]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.commits = True
        self.error: Exception | None = None
        self.used = 0
        self.signs = Signs(20, 60, 0)
        self.room = Room(self.signs, 1_000, lambda: self.used)

    async def write_changelog(
        self, changes: Mapping[bytes, bytes | None], letters: Sequence[Letter], messages: Sequence[Message]
    ) -> None:
        if self.error is not None:
            raise self.error
        self.happened.append("changelog")
        self.written.append(dict(changes))
        self.letters.extend(letters)
        self.messages.extend(messages)

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
        room=world.room,
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
    return Fetched(3, epoch, first if start is None else start, [Chunk(records)])


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  (any condition, not only events of our own)
            await asyncio.sleep(0.005)


def run(scenario: Callable[[], Any]) -> None:
    asyncio.run(scenario())
