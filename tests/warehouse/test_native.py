"""The driver's path: threads, lost servers, passwords; and the endpoint that stands in for a server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import NetworkError, ServerException

from jobs.warehouse import Warehouse, native, open_warehouse
from jobs.warehouse.block import Block
from jobs.warehouse.errors import WarehouseUnavailableError, from_engine
from jobs.warehouse.native import NativeWarehouse
from schemas.tables import EXPECTATIONS
from tests.fuzz.native import HELLO, answering, packet
from tests.services.clickhouse import Endpoint, endpoint
from tests.services.process import free_port
from tests.warehouse.conftest import opened
from tests.warehouse.rows import blank


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of an endpoint of the module's own."""
    with endpoint() as running:
        yield running.url


@contextmanager
def own_server() -> Iterator[Endpoint]:
    """An endpoint that a test may kill."""
    with endpoint() as running:
        yield running


def test_every_thread_has_a_client_of_its_own(server: str) -> None:
    with opened(f"{server.removesuffix('default')}threads") as warehouse:
        assert isinstance(warehouse, NativeWarehouse)
        seen: list[int] = []
        barrier = threading.Barrier(4)

        def work() -> None:
            with warehouse._client() as client:
                barrier.wait(10)
                seen.append(id(client))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(seen)) == 4


def test_a_lost_server_is_transient_and_the_next_call_connects_again() -> None:
    with own_server() as running, closing(open_warehouse(running.url)) as warehouse:
        warehouse.migrate()
        running.process.kill()
        for call in (
            lambda: warehouse.query("SELECT 1"),
            lambda: warehouse.insert("expectation_rows", blank(EXPECTATIONS)),
        ):
            with pytest.raises(WarehouseUnavailableError) as caught:
                call()
            assert caught.value.transient
        running.process.start()
        running.process.wait_ready(lambda: _answers(warehouse), 60)
        assert warehouse.insert("expectation_rows", blank(EXPECTATIONS)) == 1
        assert warehouse.query("SELECT count() FROM expectations").value() == 1


def _answers(warehouse: Warehouse) -> bool:
    try:
        return bool(warehouse.query("SELECT 1").value() == 1)
    except WarehouseUnavailableError:
        return False


def test_passwords_appear_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    url = f"clickhouse://someone:s3cret%21@127.0.0.1:{free_port()}/db"
    with caplog.at_level(logging.DEBUG), closing(open_warehouse(url)) as warehouse:
        with pytest.raises(WarehouseUnavailableError) as caught:
            warehouse.query("SELECT 1")
        shown = [warehouse.url, repr(warehouse), str(caught.value), repr(caught.value), caplog.text]
    assert "someone" in warehouse.url
    assert not [text for text in shown if "s3cret" in text]


def test_tls_verifies_the_server() -> None:
    address = f"clickhouses://127.0.0.1:{free_port()}/db"
    with closing(open_warehouse(address)) as warehouse:
        assert isinstance(warehouse, NativeWarehouse)
        with warehouse._client() as client:
            connection = client.connection
            assert (connection.secure_socket, connection.verify_cert) == (True, True)
            assert connection.check_hostname is True


def test_a_server_without_tls_is_not_talked_to_in_the_clear(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "CONNECT_TIMEOUT_S", 1)
    secure = server.replace("clickhouse://", "clickhouses://")
    with closing(open_warehouse(secure, timeout_s=5)) as warehouse, pytest.raises(WarehouseUnavailableError):
        warehouse.query("SELECT 1")


@pytest.mark.parametrize(
    ("code", "transient"),
    [
        (209, True),
        (210, True),
        (241, True),
        (252, True),
        (999, True),
        (47, False),
        (60, False),
        (516, False),
        (164, False),
    ],
)
def test_errors_of_the_engine_are_transient_or_terminal(code: int, transient: bool) -> None:
    error = from_engine(f"Code: {code}. DB::Exception: words. (NAME)")
    assert (error.code, error.transient) == (code, transient)
    assert error.action


def test_a_defect_of_ours_is_not_taken_for_a_garbled_answer(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> bytes:
        raise TypeError("a defect")

    with opened(f"{server.removesuffix('default')}defects") as warehouse:
        warehouse.migrate()
        monkeypatch.setattr(Block, "to_bytes", broken)
        with pytest.raises(TypeError, match="a defect"):
            warehouse.insert(EXPECTATIONS.name, blank(EXPECTATIONS))
        monkeypatch.undo()
        assert warehouse.insert(EXPECTATIONS.name, blank(EXPECTATIONS)) == 1, "on another connection"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("DateTime64(999999999)", bytes(8)),
        ("Nullable(DateTime64(999999999, 'UTC'))", bytes(9)),
        ("Array(Decimal(9, 999999999))", bytes(12)),
        ("Decimal(9, 1_0_0_0_0_0_0_0)", bytes(4)),
        ("Array(" * 2_000 + "Int8" + ")" * 2_000, bytes(8)),
    ],
    ids=["time", "nullable", "decimal", "underscores", "deep"],
)
def test_types_that_no_server_has_are_garbled_answers(kind: str, value: bytes) -> None:
    answer = packet(0, [("x", kind, b"")]) + packet(1, [("x", kind, value)])
    with answering(HELLO + answer) as store, pytest.raises(WarehouseUnavailableError, match="cannot be read"):
        store.query("SELECT 1")


def test_scales_that_servers_have_are_read(server: str) -> None:
    values = "toDateTime64('2024-01-01 00:00:00.5', 9, 'UTC'), toDecimal256('0.5', 75)"
    with opened(f"{server.removesuffix('default')}scales") as warehouse:
        warehouse.migrate()
        assert warehouse.query(f"SELECT {values}").rows == [
            (datetime(2024, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC), Decimal("0.5"))
        ]


def test_a_refused_connection_says_what_to_do() -> None:
    with closing(open_warehouse(f"clickhouse://127.0.0.1:{free_port()}/x")) as warehouse:
        with pytest.raises(WarehouseUnavailableError, match="refused") as caught:
            warehouse.migrate()
        assert "ClickHouse" in caught.value.action


# The endpoint: what the driver's own client must get from it.


def test_the_endpoint_serves_the_drivers_own_inserts(server: str) -> None:
    with Client.from_url(server) as client:
        client.execute(
            "CREATE TABLE t (a Int32, s LowCardinality(String), m Map(String, Nullable(Float64))) ENGINE = Memory"
        )
        rows = [(place, "xy"[place % 2], {"k": None, "l": 1.5} if place % 3 else {}) for place in range(5_000)]
        assert client.execute("INSERT INTO t VALUES", rows) == len(rows)
        assert client.execute("SELECT * FROM t ORDER BY a") == rows
        client.execute("INSERT INTO t (s, a) VALUES", [("z", -1)])
        assert client.execute("SELECT a, s, m FROM t WHERE a < 0") == [(-1, "z", {})]
        client.execute("DROP TABLE t")


def test_the_endpoint_goes_on_after_errors(server: str) -> None:
    with Client.from_url(server) as client:
        for statement in ("SELECT nothing", "INSERT INTO nowhere (a) VALUES"):
            with pytest.raises(ServerException) as caught:
                client.execute(statement, [(1,)] if statement.startswith("INSERT") else None)
            assert caught.value.code in {47, 60}
        assert client.execute("SELECT 1") == [(1,)]


def test_the_endpoint_keeps_databases_and_settings_apart(server: str) -> None:
    with Client.from_url(server) as one, Client.from_url(server) as other:
        one.execute("CREATE DATABASE IF NOT EXISTS apart")
        with Client.from_url(f"{server.removesuffix('default')}apart") as third:
            assert third.execute("SELECT currentDatabase()") == [("apart",)]
        assert one.execute("SELECT getSetting('max_threads')", settings={"max_threads": 3}) == [(3,)]
        with pytest.raises(ServerException, match="readonly"):
            one.execute("CREATE TABLE apart.x (a Int8) ENGINE = Memory", settings={"readonly": 2})
        other.execute("CREATE TABLE apart.x (a Int8) ENGINE = Memory")
        one.execute("DROP DATABASE apart")


def test_the_endpoint_streams_and_can_be_cancelled(server: str) -> None:
    with Client.from_url(server) as client:
        rows = client.execute_iter("SELECT number FROM numbers(100000000)")
        assert next(rows) == (0,)
        client.cancel()
        assert client.execute("SELECT 1") == [(1,)]


def test_the_endpoint_refuses_unknown_databases(server: str) -> None:
    with (
        Client.from_url(f"{server.removesuffix('default')}nowhere") as client,
        pytest.raises(ServerException) as caught,
    ):
        client.execute("SELECT 1")
    assert caught.value.code == 81


def test_a_killed_endpoint_keeps_what_it_confirmed(tmp_path: Path) -> None:
    with own_server() as running:
        with Client.from_url(running.url) as client:
            client.execute("CREATE TABLE kept (a Int32) ENGINE = MergeTree ORDER BY a")
            client.execute("INSERT INTO kept VALUES", [(1,), (2,)])
            running.process.kill()
            with pytest.raises((NetworkError, EOFError, OSError)):
                client.execute("INSERT INTO kept VALUES", [(3,)])
        running.process.start()
        with closing(open_warehouse(running.url)) as warehouse:
            running.process.wait_ready(lambda: _answers(warehouse), 60)
            assert warehouse.query("SELECT sum(a) FROM kept").value() == 3
