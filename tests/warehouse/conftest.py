"""One suite for both warehouses: ``warehouse`` is embedded in one round and on the native protocol in the other."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from clickhouse_driver import Client

from jobs.warehouse import Warehouse, open_warehouse

KEPT = ("schema_migrations", "model_parameters")


@pytest.fixture(scope="session", params=["embedded", "native"])
def new_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Makes addresses of empty warehouses; a server starts before a test begins, and lasts for all of them."""
    if request.param == "embedded":
        return lambda: f"chdb://{tmp_path_factory.mktemp('warehouse') / 'store'}"
    server = str(request.getfixturevalue("clickhouse_url"))
    return lambda: f"{server.rpartition('/')[0]}/test_{uuid.uuid4().hex[:12]}"


@contextmanager
def opened(url: str) -> Iterator[Warehouse]:
    """A migrated warehouse; a server's database is dropped afterwards."""
    with closing(open_warehouse(url)) as warehouse:
        warehouse.migrate()
        yield warehouse
    dropped(url)


def dropped(url: str) -> None:
    """Drop the database of a server."""
    if url.startswith("clickhouse://"):
        server, _, database = url.rpartition("/")
        with Client.from_url(f"{server}/default") as client:
            client.execute(f"DROP DATABASE IF EXISTS {database}")


@pytest.fixture(scope="module")
def module_warehouse(new_url: Callable[[], str]) -> Iterator[Warehouse]:
    """A migrated warehouse of the module's own."""
    with opened(new_url()) as warehouse:
        yield warehouse


@pytest.fixture
def warehouse(module_warehouse: Warehouse) -> Iterator[Warehouse]:
    """A migrated warehouse without rows; tests that change tables take ``url`` instead, in another module."""
    yield module_warehouse
    filled = "SELECT name FROM system.tables WHERE database = currentDatabase() AND total_rows > 0"
    for (name,) in module_warehouse.query(filled):
        if name not in KEPT:
            module_warehouse.command(f"TRUNCATE TABLE {name}")
            module_warehouse.command(f"SYSTEM START MERGES {name}")


@pytest.fixture
def url(new_url: Callable[[], str]) -> Iterator[str]:
    """Address of an empty warehouse of the test's own."""
    address = new_url()
    yield address
    dropped(address)


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Warehouse]:
    """A migrated embedded warehouse of the test's own."""
    with opened(f"chdb://{tmp_path / 'store'}") as warehouse:
        yield warehouse
