"""The ClickHouse of the tests answers the driver, and a test's database is its own."""

from __future__ import annotations

from clickhouse_driver import Client


def test_the_driver_is_answered(clickhouse_url: str) -> None:
    with Client.from_url(clickhouse_url) as client:
        assert client.execute("SELECT 1 + 1") == [(2,)]


def test_a_database_of_its_own_is_empty_and_keeps_rows(clickhouse_database: str) -> None:
    with Client.from_url(clickhouse_database) as client:
        assert client.execute("SELECT name FROM system.tables WHERE database = currentDatabase()") == []
        client.execute("CREATE TABLE numbers (n UInt8) ENGINE = MergeTree ORDER BY n")
        client.execute("INSERT INTO numbers (n) VALUES", [[1, 2, 3]], columnar=True)
        assert client.execute("SELECT sum(n) FROM numbers") == [(6,)]
