"""A fast selection of the matrix on this worker, the control once, and the proxy; ``make faults`` runs all of it."""

from __future__ import annotations

import asyncio
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import faults, rig
from tests.faults.contenders import CONTENDERS
from tests.faults.load import expected, plan
from tests.faults.proxy import Proxy
from tests.faults.table import failures, rendered
from tests.services.decide import KAFKA_VARIABLE, without
from tests.services.kafka.jars import missing_tools

# A connection that is cut in mid-flight leaves its transport to the collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
PATIENCE_S = 20.0
SILENCE_S = 0.5


@pytest.fixture(scope="module")
def kafka_behind_proxy() -> Iterator[rig.Kafka]:
    """A broker of this module's own: its listeners are its own, too."""
    if tools := missing_tools():
        without("Kafka", f"{' and '.join(tools)} not found", KAFKA_VARIABLE, {})
    with rig.kafka() as kafka:
        yield kafka


def run(fault: rig.Fault, kafka: rig.Kafka, directory: Path, contender: str) -> rig.Cell:
    name = f"{contender}-{uuid.uuid4().hex[:10]}"
    return rig.run(fault, kafka, CONTENDERS[contender], directory / name, name=name, seed=1)


@pytest.mark.parametrize("fault", [faults.killed, faults.joined, faults.warehouse_half], ids=faults.title)
def test_nothing_is_lost_and_nothing_doubled(kafka_behind_proxy: rig.Kafka, tmp_path: Path, fault: rig.Fault) -> None:
    cell = run(fault, kafka_behind_proxy, tmp_path, "ours")
    assert cell.clean, cell


@pytest.mark.slow
def test_the_control_fails_where_it_must(kafka_behind_proxy: rig.Kafka, tmp_path: Path) -> None:
    cell = run(faults.killed, kafka_behind_proxy, tmp_path, "stock")
    assert cell.doubled > 0, "a check that a stock agent passes is worthless"


def test_every_fault_has_a_title_of_its_own() -> None:
    titles = [faults.title(fault) for fault in faults.FAULTS]
    assert len(set(titles)) == len(titles)
    assert all(titles)


def test_the_plan_is_a_function_of_its_seed() -> None:
    assert plan(100, 1) == plan(100, 1) != plan(100, 2)
    assert expected(["a", "b", "a"]) == {"a": 2, "b": 1}


def test_the_table_says_what_is_wrong() -> None:
    clean, dirty, stuck = rig.Cell(0, 0, 3.2), rig.Cell(1, 2, 5.0), rig.Cell(0, 0, None)
    cells: dict[tuple[str, str], rig.Cell | str] = {("kill", "stock"): dirty, ("kill", "ours"): clean}
    assert rendered([("kill", "SIGKILL")], ["stock", "ours"], cells).splitlines()[-1] == (
        "| SIGKILL | 1 | 2 | 5 | 0 | 0 | 3 |"
    )
    assert failures(cells, control=True) == []
    assert failures({("kill", "stock"): clean, ("kill", "ours"): clean}, control=True) == [
        "the control never failed: the check is worthless"
    ]
    for bad in (dirty, stuck, "AssertionError: x"):
        assert failures({("kill", "ours"): bad}, control=False) == [f"kill: {bad}"]


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
