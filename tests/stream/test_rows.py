from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from jobs.settings import Settings, WarehouseSettings
from jobs.stream import rows as rows_module
from jobs.stream.rows import Rows
from jobs.warehouse.errors import RowsError, WarehouseUnavailableError
from jobs.worker import TablesError, warehouse_of


class Flaky:
    """A sink that fails with the given errors first."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.inserted: list[str] = []
        self.threads: set[int] = set()
        self.closed = False

    def insert(self, table: str, columns: Any) -> int:
        self.threads.add(threading.get_ident())
        if self.errors:
            raise self.errors.pop(0)
        self.inserted.append(table)
        return 1

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "FIRST_PAUSE_S", 0.01)


def written(sink: Flaky, *tables: str) -> None:
    async def scenario() -> None:
        rows = Rows(lambda: sink)
        try:
            await rows.write({table: {"a": [1]} for table in tables})
        finally:
            await asyncio.to_thread(rows.close)

    asyncio.run(scenario())


def test_tables_are_written_in_order_off_the_event_loop() -> None:
    sink = Flaky()
    written(sink, "one", "two")
    assert sink.inserted == ["one", "two"]
    assert threading.get_ident() not in sink.threads
    assert sink.closed


def test_a_transient_error_is_waited_out_and_nothing_is_written_twice() -> None:
    sink = Flaky(WarehouseUnavailableError("down"), WarehouseUnavailableError("still down"))
    written(sink, "one", "two")
    assert sink.inserted == ["one", "two"]


def test_a_terminal_error_is_raised() -> None:
    sink = Flaky(RowsError("no such column"))
    with pytest.raises(RowsError):
        written(sink, "one")
    assert sink.inserted == []


def test_a_warehouse_that_is_down_at_the_start_is_opened_later() -> None:
    sink = Flaky()
    attempts = [WarehouseUnavailableError("down")]

    def opened() -> Flaky:
        if attempts:
            raise attempts.pop()
        return sink

    async def scenario() -> None:
        rows = Rows(opened)
        await rows.open()
        await rows.write({"one": {"a": [1]}})
        await asyncio.to_thread(rows.close)

    asyncio.run(scenario())
    assert sink.inserted == ["one"]


def test_a_server_without_the_declared_tables_is_refused_at_the_start(clickhouse_database: str) -> None:
    settings = Settings(warehouse=WarehouseSettings(url=clickhouse_database))
    with pytest.raises(TablesError, match="is missing") as error:
        warehouse_of(settings)
    assert error.value.action == "Run `perception warehouse migrate`."
