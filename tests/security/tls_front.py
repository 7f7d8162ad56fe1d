"""A TLS front in a thread of its own: takes TLS connections and passes their bytes on in the clear."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.services.certificates import Certificate

CHUNK = 64 * 1024


@contextmanager
def tls_front(target: tuple[str, int], certificate: Certificate) -> Iterator[int]:
    """The port of a front for ``target`` (host, port) that shows ``certificate``."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.both)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(_listen(target, context))
    thread = threading.Thread(target=loop.run_forever, name="tls-front")
    thread.start()
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        asyncio.run_coroutine_threadsafe(_ended(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _listen(target: tuple[str, int], context: ssl.SSLContext) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _serve(target, reader, writer)

    return await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)


async def _serve(target: tuple[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    far_reader, far_writer = await asyncio.open_connection(*target)
    ways = [asyncio.ensure_future(_pass_on(reader, far_writer)), asyncio.ensure_future(_pass_on(far_reader, writer))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        for side in (writer, far_writer):
            side.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()


async def _ended(server: asyncio.Server) -> None:
    """Every connection is over."""
    server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
