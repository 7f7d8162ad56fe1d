"""The proxy itself: what its modes do to bytes."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from tests.faults.proxy import Proxy

# A connection that is cut in mid-flight leaves its transport to the collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
PATIENCE_S = 20.0
SILENCE_S = 0.5


class Echo:
    """An echo server in the proxy's own way: a thread with a loop."""

    def __init__(self) -> None:
        self.received = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1024):
            self.received += data
            writer.write(data)
        writer.close()


def test_the_proxy_does_what_its_modes_say() -> None:
    async def scenario() -> None:
        echo = Echo()
        server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
        with Proxy(server.sockets[0].getsockname()[:2]) as proxy:
            await asyncio.to_thread(use, proxy, echo)
            server.close()

    asyncio.run(scenario())


def use(proxy: Proxy, echo: Echo) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE_S) as peer:
        assert said(peer, b"open") == b"open"
        proxy.mode, proxy.delay_s = "delay", 0.1
        began = time.monotonic()
        assert said(peer, b"late") == b"late"
        assert time.monotonic() - began >= 0.2, "there and back"
        proxy.mode, proxy.rate = "throttle", 200
        began = time.monotonic()
        assert said(peer, b"x" * 60) == b"x" * 60
        assert time.monotonic() - began >= 0.2, "six portions, a pause after each"
        proxy.mode = "swallow"
        assert said(peer, b"gone", SILENCE_S) == b""
        assert echo.received.endswith(b"gone"), "the request was passed on"
        proxy.mode = "half-open"
        assert said(peer, b"kept", SILENCE_S) == b""
        assert not echo.received.endswith(b"kept")
        proxy.mode = "open"
        peer.settimeout(PATIENCE_S)
        assert peer.recv(10) == b"kept"
        proxy.cut()
        with pytest.raises(ConnectionError):
            while peer.recv(10):
                pass
            raise ConnectionResetError
    with (
        pytest.raises(ConnectionError),
        socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE_S) as peer,
    ):
        peer.sendall(b"x")
        if not peer.recv(1):
            raise ConnectionResetError


def said(peer: socket.socket, data: bytes, patience_s: float = PATIENCE_S) -> bytes:
    """What comes back within the time-out: long where an answer is expected, short where none is."""
    peer.settimeout(patience_s)
    peer.sendall(data)
    found = b""
    try:
        while len(found) < len(data):
            found += peer.recv(1024)
    except TimeoutError:
        pass
    return found
