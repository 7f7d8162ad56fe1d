"""The embedded store: one holder, readers through it, and nothing lost when the holder is killed."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from jobs.warehouse import Warehouse, open_warehouse
from jobs.warehouse.errors import (
    ReadOnlyError,
    WarehouseBusyError,
    WarehouseQueryError,
    WarehouseTerminalError,
    WarehouseUnavailableError,
)
from jobs.warehouse.framing import SOCKET
from jobs.warehouse.remote import HeldWarehouse
from jobs.warehouse.schema import differences
from schemas.tables import EXPECTATIONS
from tests.warehouse.conftest import opened
from tests.warehouse.rows import blank
from tests.warehouse.writer import ROWS

BATCHES = "SELECT count(), uniqExact(splitByChar('-', event_id)[1]) FROM events"


@contextmanager
def writing(url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the store and inserts; three batches are stored when it is handed out."""
    command = [sys.executable, "-m", "tests.warehouse.writer", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        for _ in range(3):
            assert writer.stdout.readline()
        try:
            yield writer
        finally:
            writer.kill()


def test_another_process_reads_through_the_holder(tmp_path: Path) -> None:
    url = f"chdb://{tmp_path / 'store'}"
    with writing(url), closing(open_warehouse(url, read_only=True)) as reader:
        assert isinstance(reader, HeldWarehouse)
        rows, batches = reader.query(BATCHES).rows[0]
        assert rows == batches * ROWS >= 3 * ROWS
        assert reader.query("SELECT 1 AS a WHERE 0").names == ["a"]
        assert reader.format("SELECT 1 AS a", "CSVWithNames") == b'"a"\n1\n'
        assert reader.query("SELECT {x:String}", {"x": "it's"}).value() == "it's"
        assert differences(reader) == []
        with pytest.raises(WarehouseQueryError, match="nowhere") as caught:
            reader.query("SELECT * FROM nowhere")
        assert caught.value.code == 60
        for refused in (
            reader.migrate,
            lambda: reader.command("DROP TABLE event_rows"),
            lambda: reader.query("DROP x"),
        ):
            with pytest.raises(ReadOnlyError):
                refused()
        with pytest.raises(ReadOnlyError):
            reader.insert("expectation_rows", blank(EXPECTATIONS))


def test_several_processes_can_read_at_once(tmp_path: Path) -> None:
    url = f"chdb://{tmp_path / 'store'}"
    with writing(url):
        readers = [open_warehouse(url, read_only=True) for _ in range(3)]
        assert all(reader.query(BATCHES).value() >= 3 * ROWS for reader in readers)
        for reader in readers:
            reader.close()


def test_only_one_process_writes(tmp_path: Path) -> None:
    url = f"chdb://{tmp_path / 'store'}"
    with writing(url) as writer, pytest.raises(WarehouseBusyError, match=str(writer.pid)) as caught:
        open_warehouse(url)
    assert caught.value.transient
    assert "perception query" in caught.value.action


def test_a_killed_holder_leaves_whole_batches_that_can_be_read_and_continued(tmp_path: Path) -> None:
    url = f"chdb://{tmp_path / 'store'}"
    for round_ in (1, 2):
        with writing(url) as writer:
            writer.kill()
            assert writer.stdout
            last = int((writer.stdout.read().split() or ["2"])[-1])
        with closing(open_warehouse(url)) as again:
            rows, batches = again.query(BATCHES).rows[0]
            assert rows == batches * ROWS, round_
            assert batches > last
            assert differences(again) == []


def test_a_reader_learns_that_the_holder_died(tmp_path: Path) -> None:
    url = f"chdb://{tmp_path / 'store'}"
    with writing(url) as writer, closing(open_warehouse(url, read_only=True)) as reader:
        writer.kill()
        writer.wait()
        with pytest.raises(WarehouseUnavailableError, match="went away"):
            reader.query("SELECT 1")


def test_the_socket_is_for_the_owner_only(embedded: Warehouse, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "store" / SOCKET).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700
    assert embedded.query("SELECT 1").value() == 1


def test_the_same_process_opens_a_store_once(embedded: Warehouse, tmp_path: Path) -> None:
    for read_only in (False, True):
        with pytest.raises(WarehouseBusyError, match="this process"):
            open_warehouse(embedded.url, read_only=read_only)
    with pytest.raises(WarehouseBusyError, match="another embedded store"):
        open_warehouse(f"chdb://{tmp_path / 'second'}")
    assert embedded.query("SELECT 1").value() == 1


def test_paths_longer_than_a_socket_allows_work(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 20) / ("er" * 40)
    deep.parent.mkdir()
    with opened(f"chdb://{deep}") as warehouse:
        assert (deep / SOCKET).exists()
        assert warehouse.query("SELECT 1").value() == 1
    assert not (deep / SOCKET).exists()


def test_a_missing_store_is_not_made_by_reading(tmp_path: Path) -> None:
    for read_only in (True, False):
        with pytest.raises(WarehouseTerminalError, match="no embedded store"):
            open_warehouse(f"chdb://{tmp_path / 'none'}", create=False, read_only=read_only)
    assert not (tmp_path / "none").exists()


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WarehouseTerminalError, match="file"):
        open_warehouse(f"chdb://{tmp_path / 'file' / 'store'}")


def test_closing_twice_is_closing(tmp_path: Path) -> None:
    warehouse = open_warehouse(f"chdb://{tmp_path / 'store'}")
    warehouse.close()
    warehouse.close()
    with closing(open_warehouse(f"chdb://{tmp_path / 'store'}")) as again:
        assert again.query("SELECT 1").value() == 1
