"""What every warehouse must do, on both implementations."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from jobs.warehouse import Warehouse
from jobs.warehouse.errors import ReadOnlyError, RowsError, WarehouseError, WarehouseQueryError
from jobs.warehouse.schema import differences
from schemas.tables import EXPECTATIONS, TABLES, Table
from tests.warehouse.rows import blank, expected, random_rows, stored

every_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


@every_table
def test_rows_come_back_as_they_went_in(warehouse: Warehouse, table: Table) -> None:
    columns = random_rows(table, 300)
    assert warehouse.insert(table.name, columns) == 300
    assert stored(warehouse, table) == expected(table, columns)


@every_table
def test_no_rows_are_no_insert(warehouse: Warehouse, table: Table) -> None:
    assert warehouse.insert(table.name, blank(table, 0)) == 0
    assert stored(warehouse, table) == []


@every_table
def test_same_rows_twice_are_rows_once(warehouse: Warehouse, table: Table) -> None:
    columns = random_rows(table, 20)
    warehouse.insert(table.name, columns)
    warehouse.insert(table.name, columns)
    assert stored(warehouse, table) == expected(table, columns)


@every_table
def test_the_newer_version_wins_whatever_the_order(warehouse: Warehouse, table: Table) -> None:
    warehouse.command(f"SYSTEM STOP MERGES {table.name}")
    newer = random_rows(table, 5, seed=1) | {"version": [2**63 + 5] * 5}
    older = random_rows(table, 5, seed=2) | {name: newer[name] for name in table.identity} | {"version": [9] * 5}
    warehouse.insert(table.name, newer)
    warehouse.insert(table.name, older)
    assert stored(warehouse, table) == expected(table, newer)


@pytest.mark.parametrize("table", [table for table in TABLES if table.deletable], ids=lambda table: table.name)
def test_a_retraction_hides_the_row_until_a_newer_one_comes(warehouse: Warehouse, table: Table) -> None:
    rows = random_rows(table, 3) | {"version": [1, 1, 1]}
    warehouse.insert(table.name, rows)
    warehouse.insert(table.name, rows | {"version": [2, 2, 2], "is_deleted": [1, 1, 1]})
    assert stored(warehouse, table) == []
    again = rows | {"version": [3, 3, 3]}
    warehouse.insert(table.name, again)
    assert stored(warehouse, table) == expected(table, again)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ads": [-1]}, "ads (UInt64)"),
        ({"source_partition": [2**31]}, "source_partition (Int32)"),
        ({"is_deleted": [256]}, "is_deleted (UInt8)"),
        ({"as_of": [2**62]}, "as_of"),
        ({"ads": [1.5]}, "whole numbers"),
        ({"customer_id": ["\ud800"]}, "customer_id"),
        ({"ads": [1, 2]}, "different lengths"),
        ({"nonsense": [1]}, "nonsense"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_rows_that_do_not_fit_are_refused_whole(warehouse: Warehouse, change: dict[str, Any], words: str) -> None:
    with pytest.raises(RowsError, match=words.replace("(", r"\(").replace(")", r"\)")) as caught:
        warehouse.insert("expectation_rows", blank(EXPECTATIONS) | change)
    assert not caught.value.transient
    assert caught.value.action
    assert stored(warehouse, EXPECTATIONS) == []


def test_unknown_tables_and_missing_columns_are_refused(warehouse: Warehouse) -> None:
    with pytest.raises(RowsError, match="no table nonsense"):
        warehouse.insert("nonsense", {})
    with pytest.raises(RowsError, match="missing columns: ads"):
        warehouse.insert("expectation_rows", {k: v for k, v in blank(EXPECTATIONS).items() if k != "ads"})


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO customer_rows (customer_id) VALUES ('x')",
        "DROP TABLE customer_rows",
        "ALTER TABLE customer_rows DELETE WHERE 1",
        "SELECT 1; DROP TABLE customer_rows",
        "/* SELECT */ TRUNCATE TABLE customer_rows",
        "SELECT 1 INTO OUTFILE '/nonexistent/file'",
        "WITH 1 AS x INSERT INTO FUNCTION file('/nonexistent/file', 'CSV', 'a UInt8') SELECT x",
        "SET readonly = 0",
        "",
    ],
)
def test_queries_cannot_write(warehouse: Warehouse, sql: str) -> None:
    for read in (warehouse.query, lambda text: warehouse.format(text, "CSV")):
        with pytest.raises(ReadOnlyError):
            read(sql)
    assert differences(warehouse) == []


def test_the_engine_refuses_settings_that_would_allow_writing(warehouse: Warehouse) -> None:
    with pytest.raises((ReadOnlyError, WarehouseQueryError), match=r"(?i)readonly"):
        warehouse.query("SELECT 1 SETTINGS readonly = 0")


def test_results_have_names_types_and_rows_even_when_empty(warehouse: Warehouse) -> None:
    found = warehouse.query("SELECT toUInt8(1) AS a, 'x' AS b, NULL::Nullable(Int8) AS c; -- done")
    assert (list(found.names), list(found.types)) == (["a", "b", "c"], ["UInt8", "String", "Nullable(Int8)"])
    assert found.dicts() == [{"a": 1, "b": "x", "c": None}]
    none = warehouse.query("SELECT number AS n, toString(n) AS t FROM numbers(5) WHERE n > 9")
    assert (list(none.names), list(none.types), list(none)) == (["n", "t"], ["UInt64", "String"], [])


def test_large_results_come_whole(warehouse: Warehouse) -> None:
    found = warehouse.query("SELECT number, toString(number) FROM numbers(200000)")
    assert [row[0] for row in found] == list(range(200_000))


def test_parameters_are_values_not_text(warehouse: Warehouse) -> None:
    sql = "SELECT {text:String}, {number:Int64}, {flag:Bool}, {list:Array(String)}, '{text:String}', {gone:Nullable(Int8)}"  # noqa: E501
    text = "it's \\ {number:Int64} 🙂"
    given: dict[str, Any] = {"text": text, "number": -5, "flag": True, "list": ["a'", "b"], "gone": None}
    assert list(warehouse.query(sql, given)) == [(text, -5, True, ["a'", "b"], "{text:String}", None)]
    with pytest.raises(WarehouseQueryError, match="number"):
        warehouse.query(sql, {"text": ""})


@pytest.mark.parametrize("name", ["TabSeparatedWithNames", "TSV", "CSVWithNames", "CSV", "JSONEachRow"])
def test_formats_are_those_of_the_engine(warehouse: Warehouse, name: str) -> None:
    sql = """SELECT 1 AS n, 'a "b" \\'c\\' \\t' AS s, NULL::Nullable(Int8) AS z, 0.1 AS f, true AS b,
        toDateTime64('2026-01-31 12:00:00.5', 3, 'UTC') AS t"""
    found = warehouse.format(sql, name).decode()
    quoted = '"a ""b"" \'c\' \t"'
    assert {
        "TSV": "1\ta \"b\" \\'c\\' \\t\t\\N\t0.1\ttrue\t2026-01-31 12:00:00.500\n",
        "TabSeparatedWithNames": "n\ts\tz\tf\tb\tt\n1\ta \"b\" \\'c\\' \\t\t\\N\t0.1\ttrue\t2026-01-31 12:00:00.500\n",
        "CSV": f'1,{quoted},\\N,0.1,true,"2026-01-31 12:00:00.500"\n',
        "CSVWithNames": f'"n","s","z","f","b","t"\n1,{quoted},\\N,0.1,true,"2026-01-31 12:00:00.500"\n',
        "JSONEachRow": '{"n":1,"s":"a \\"b\\" \'c\' \\t","z":null,"f":0.1,"b":true,"t":"2026-01-31 12:00:00.500"}\n',
    }[name] == found


def test_a_format_clause_wins(warehouse: Warehouse) -> None:
    assert warehouse.format("SELECT 1 AS a FORMAT CSVWithNames", "JSON") == b'"a"\n1\n'
    assert list(warehouse.query("SELECT 1 AS a FORMAT CSV")) == [(1,)]


def test_errors_carry_code_and_action_and_leave_the_warehouse_usable(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseQueryError, match="nowhere") as caught:
        warehouse.query("SELECT * FROM nowhere")
    assert caught.value.code == 60
    assert caught.value.action
    assert not caught.value.transient
    assert warehouse.query("SELECT 1").value() == 1


def test_rows_that_the_engine_does_not_take_are_no_rows_that_are_stored(warehouse: Warehouse) -> None:
    """As on a full disk: chDB's insert stream said that they were written."""
    table = EXPECTATIONS.name
    warehouse.command(f"ALTER TABLE {table} ADD CONSTRAINT few CHECK ads < 5")
    try:
        with pytest.raises(WarehouseError, match="few") as caught:
            warehouse.insert(table, blank(EXPECTATIONS, 3, customer_id=["a", "b", "c"], ads=[1, 2, 9]))
        assert caught.value.code == 469
        assert warehouse.query(f"SELECT count() FROM {table}").value() == 0
    finally:
        warehouse.command(f"ALTER TABLE {table} DROP CONSTRAINT few")
    assert warehouse.insert(table, blank(EXPECTATIONS)) == 1


def test_queries_and_inserts_run_side_by_side(warehouse: Warehouse) -> None:
    failures: list[BaseException] = []

    def write(name: str) -> None:
        try:
            for batch in range(5):
                customers = [f"{name}-{batch}-{place}" for place in range(100)]
                warehouse.insert("expectation_rows", blank(EXPECTATIONS, 100, customer_id=customers))
        except BaseException as error:  # noqa: BLE001 - handed to the test
            failures.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert warehouse.query("SELECT count() % 100 FROM expectation_rows").value() == 0
    for thread in threads:
        thread.join()
    assert failures == []
    assert warehouse.query("SELECT count() FROM expectations").value() == 1500
