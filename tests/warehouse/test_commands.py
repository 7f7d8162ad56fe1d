"""``perception query`` and ``perception warehouse``, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jobs.cli import main
from jobs.warehouse import Warehouse
from schemas.tables import EXPECTATIONS, TABLES
from tests.warehouse.conftest import opened
from tests.warehouse.rows import blank


def call(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=given)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A migrated store with a row, which nobody holds."""
    address = f"chdb://{tmp_path / 'store'}"
    with opened(address) as warehouse:
        warehouse.insert("expectation_rows", blank(EXPECTATIONS, customer_id="c", ads=3))
    return address


def test_query_prints_rows(url: str) -> None:
    sql = "SELECT customer_id, ads FROM expectations"
    assert call("query", sql, "--warehouse", url).output == "customer_id\tads\nc\t3\n"
    assert call("query", "-", "--warehouse", url, given=sql).output == "customer_id\tads\nc\t3\n"
    assert call("query", sql, "--warehouse", url, "--format", "CSV").output == '"c",3\n'
    assert json.loads(call("query", sql, "--warehouse", url, "--json").output)["data"] == [
        {"customer_id": "c", "ads": 3}
    ]


def test_query_takes_the_warehouse_of_the_settings(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERCEPTION_WAREHOUSE__URL", url)
    assert call("query", "SELECT count() AS n FROM expectations").output == "n\n1\n"


@pytest.mark.parametrize(
    ("sql", "words", "code"),
    [("DROP TABLE event_rows", "only one statement that reads", 2), ("SELECT * FROM nowhere", "nowhere", 1)],
)
def test_query_explains_what_it_refuses(url: str, sql: str, words: str, code: int) -> None:
    result = call("query", sql, "--warehouse", url)
    assert result.exit_code == code
    assert words in result.output
    assert "What to do:" in result.output
    assert "Traceback" not in result.output


def test_query_of_a_missing_store_names_the_next_step(tmp_path: Path) -> None:
    result = call("query", "SELECT 1", "--warehouse", f"chdb://{tmp_path / 'none'}")
    assert result.exit_code == 1
    assert "perception warehouse migrate" in result.output


def test_migrate_check_and_tables(tmp_path: Path) -> None:
    address = f"chdb://{tmp_path / 'new'}"
    assert "applied 0001_event_rows" in call("warehouse", "migrate", "--warehouse", address).output
    assert "Nothing to do" in call("warehouse", "migrate", "--warehouse", address).output
    assert json.loads(call("warehouse", "migrate", "--warehouse", address, "--json").output)["applied"] == []
    assert "as declared" in call("warehouse", "check", "--warehouse", address).output
    tables = json.loads(call("warehouse", "tables", "--warehouse", address, "--json").output)
    assert {table.name for table in TABLES} <= {table["name"] for table in tables}
    assert "customer_perception  (view)" in call("warehouse", "tables", "--warehouse", address).output


def test_check_fails_where_tables_differ(url: str) -> None:
    with opened(url) as warehouse:
        _change(warehouse)
    for arguments in ((), ("--json",)):
        result = call("warehouse", "check", "--warehouse", url, *arguments)
        assert result.exit_code == 1
        assert "late_rows is missing" in result.output


def _change(warehouse: Warehouse) -> None:
    warehouse.command("DROP TABLE late_rows")
