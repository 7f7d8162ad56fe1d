"""A TCP proxy in a thread of its own that makes a network bad on command.

========= ==========================================================================
mode      what happens to bytes
========= ==========================================================================
open      passed on
delay     passed on ``delay_s`` later; with ``slow_produce`` only Kafka's Produce requests
throttle  ``rate`` bytes a second in each direction
half-open taken and kept: neither side hears of the other, connections stay
swallow   requests are passed on, replies are not
cut       connections are reset, new ones are refused
========= ==========================================================================
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from types import TracebackType
from typing import Literal, Self

Mode = Literal["open", "delay", "throttle", "half-open", "swallow", "cut"]
CHUNK = 64 * 1024
TICK_S = 0.05
PRODUCE = 0
"""Kafka's key of the Produce request."""


class Proxy:
    """Listens on a loopback port and connects to ``target`` (host, port). A context manager."""

    def __init__(self, target: tuple[str, int], *, port: int = 0, slow_produce: bool = False) -> None:
        self._target = target
        self.port = port
        self.mode: Mode = "open"
        self.delay_s = 1.0
        self.rate = 1_024
        self.replied = 0
        """Bytes that the target has sent."""
        self._slow_produce = slow_produce
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def cut(self) -> None:
        """Reset all connections; later ones too, until the mode is set to another."""
        self.mode = "cut"
        self._loop.call_soon_threadsafe(self._reset)

    def _reset(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        self._reset()
        self._loop.run_until_complete(_ended())
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "cut":
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        request = self._requests if self._slow_produce else self._requests_as_they_come
        ends = [asyncio.ensure_future(way) for way in (request(reader, far_writer), self._replies(far_reader, writer))]
        try:
            with contextlib.suppress(asyncio.CancelledError):  # the proxy ends: asyncio would report it as an error
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
            for side in (writer, far_writer):
                side.transport.abort()
            self._writers -= {writer, far_writer}

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Kafka frames: four bytes of length, two of the request's key, the rest."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readexactly(6)
                body = await reader.readexactly(int.from_bytes(head[:4]) - 2)
                if self.mode == "delay" and int.from_bytes(head[4:]) == PRODUCE:
                    await asyncio.sleep(self.delay_s)
                await self._let_pass(head + body, writer)

    async def _requests_as_they_come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if self.mode == "delay":
                    await asyncio.sleep(self.delay_s)
                await self._let_pass(data, writer)

    async def _replies(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                self.replied += len(data)
                if self.mode == "delay" and not self._slow_produce:
                    await asyncio.sleep(self.delay_s)
                if self.mode != "swallow":
                    await self._let_pass(data, writer)

    async def _let_pass(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        while self.mode == "half-open":  # noqa: ASYNC110  (another thread sets the mode)
            await asyncio.sleep(TICK_S)
        step = max(int(self.rate * TICK_S), 1) if self.mode == "throttle" else len(data)
        for start in range(0, len(data), step):
            writer.write(data[start : start + step])
            await writer.drain()
            if self.mode == "throttle":
                await asyncio.sleep(TICK_S)


async def _ended() -> None:
    """Every other task of the loop is cancelled and over."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
