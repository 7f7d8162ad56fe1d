"""Addresses and statements: what is understood, what is refused, what is never shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from jobs.warehouse.errors import ReadOnlyError, WarehouseError, WarehouseUrlError
from jobs.warehouse.sql import bind, literal, reading, split_format, statements
from jobs.warehouse.url import Layout, parse, with_cluster


def test_addresses_of_servers() -> None:
    found = parse("clickhouse://me:p%40ss@db.example:9001/perception?cluster=main&raw_ttl_days=30")
    assert (found.host, found.port, found.user, found.password) == ("db.example", 9001, "me", "p@ss")
    assert (found.database, found.secure, found.layout) == ("perception", False, Layout("main", 30))
    assert found.masked == "clickhouse://me:***@db.example:9001/perception?cluster=main&raw_ttl_days=30"
    assert "p@ss" not in repr(found)


def test_defaults_of_servers() -> None:
    plain, tls = parse("clickhouse://db"), parse("clickhouses://db?cafile=/ca.pem")
    assert (plain.port, plain.user, plain.password, plain.database) == (9000, "default", "", "default")
    assert (tls.port, tls.secure, tls.cafile) == (9440, True, "/ca.pem")


def test_addresses_of_stores() -> None:
    assert str(parse("chdb:///var/lib/a%20b").path) == "/var/lib/a b"
    assert parse("chdb:///data").masked == "chdb:///data"


@pytest.mark.parametrize(
    "url",
    [
        "", "/data", "chdb://relative/path", "chdb:", "http://db:8123", "clickhouse://", "clickhouse://db:port",
        "clickhouse://db/a'b", "clickhouse://db?cluster=a'b", "clickhouse://db?raw_ttl_days=0",
        "clickhouse://db?raw_ttl_days=x", "clickhouse://db?typo=1",
    ],
)  # fmt: skip
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(WarehouseUrlError) as caught:
        parse(url)
    assert "chdb:///" in caught.value.action


def test_refused_addresses_hide_the_password() -> None:
    for url in ("clickhouse://me:s3cret@db/a'b", "clickhous://me:s3cret@db/x", "clickhouse://me:s3cret@db:port/x"):
        with pytest.raises(WarehouseUrlError) as caught:
            parse(url)
        assert "s3cret" not in str(caught.value)


def test_the_address_wins_over_the_settings_cluster() -> None:
    assert with_cluster(parse("clickhouse://db"), "main").layout.cluster == "main"
    assert with_cluster(parse("clickhouse://db?cluster=own"), "main").layout.cluster == "own"
    assert with_cluster(parse("clickhouse://db"), None).layout.cluster is None


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1", "select 1 ;", " ( SELECT 1 ) ", "WITH 1 AS a SELECT a", "SHOW TABLES", "DESCRIBE x", "EXISTS x",
        "EXPLAIN SELECT 1", "-- DROP\nSELECT 1", "/* a; b */ SELECT ';'", "SELECT 'INSERT INTO x', `insert` INTO_",
    ],
)  # fmt: skip
def test_statements_that_read(sql: str) -> None:
    assert reading(sql).strip().rstrip(";").strip() == sql.strip().rstrip(";").strip()


@pytest.mark.parametrize(
    "sql", ["", ";", "SELECT 1; SELECT 2", "insert into x select 1", "OPTIMIZE TABLE x", "--SELECT 1"]
)
def test_statements_that_do_not(sql: str) -> None:
    with pytest.raises(ReadOnlyError):
        reading(sql)


def test_format_clauses() -> None:
    assert split_format("SELECT 1 FORMAT JSON") == ("SELECT 1 ", "JSON")
    assert split_format("SELECT format FROM t") == ("SELECT format FROM t", None)
    assert split_format("SELECT 'x FORMAT JSON'") == ("SELECT 'x FORMAT JSON'", None)


def test_scripts_are_split_at_semicolons_outside_of_texts() -> None:
    assert statements("A ';' ; -- x;\nB \"a;b\";\n-- end") == ["A ';'", '-- x;\nB "a;b"']


def test_literals() -> None:
    zone = timezone(timedelta(hours=2))
    assert literal(datetime(2026, 1, 31, 14, 0, 0, 5000, zone)) == "'2026-01-31 12:00:00.005000'"
    assert literal(datetime(2026, 1, 31, tzinfo=UTC)) == literal(datetime(2026, 1, 31))  # noqa: DTZ001 - naive is UTC
    assert [literal(v) for v in (None, True, 5, 0.1, float("inf"), "a'\\b")] == [
        "NULL", "1", "5", "0.1", "'inf'", "'a\\'\\\\b'",
    ]  # fmt: skip
    assert bind("SELECT {t:Identifier}", {"t": "a`b"}) == "SELECT `a\\`b`"


def test_every_error_says_what_to_do() -> None:
    kinds, found = [WarehouseError], []
    while kinds:
        kind = kinds.pop()
        found.append(kind)
        kinds += kind.__subclasses__()
    assert len(found) > 8
    for kind in found:
        assert kind("words").action.endswith(".")
        assert str(kind("words")) == "words"
        assert kind.__name__ in (WarehouseError.__module__ and _drawn())


def _drawn() -> str:
    from jobs.warehouse import errors

    return errors.__doc__ or ""
