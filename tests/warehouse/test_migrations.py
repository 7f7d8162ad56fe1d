"""Migrations on both warehouses: what they make, what the check finds, and laws of every file."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace

import pytest

from jobs.models.used import used_model
from jobs.warehouse import open_warehouse
from jobs.warehouse.errors import MigrationError, ReadOnlyError
from jobs.warehouse.migrate import Migration, migrations, rendered
from jobs.warehouse.parameters import model_parameters
from jobs.warehouse.schema import described, differences
from jobs.warehouse.sql import statements
from jobs.warehouse.url import Layout
from pipeline.model import DEFAULT_MODEL
from schemas.event import ONE_WAY_TYPES
from schemas.tables import EXPECTATIONS, TABLES
from tests.warehouse.conftest import opened
from tests.warehouse.rows import blank

every_migration = pytest.mark.parametrize("migration", migrations(), ids=lambda migration: migration.name)


def test_migrate_makes_the_declared_tables_and_repeats(url: str) -> None:
    with closing(open_warehouse(url)) as empty:
        assert empty.migrate() == [migration.name for migration in migrations()]
        assert differences(empty) == []
        assert empty.migrate() == []
        assert differences(empty) == []


def test_tables_and_views_are_described(url: str) -> None:
    with opened(url) as warehouse:
        found = described(warehouse)
        assert {table.name for table in TABLES} <= {item.name for item in found}
        assert [item.name for item in found if not item.comment] == []
        assert [c for item in found if item.kind == "table" for c in item.columns if not c[2]] == []


def test_differences_name_what_was_changed_by_hand(url: str) -> None:
    with opened(url) as warehouse:
        warehouse.command("ALTER TABLE journey_rows ADD COLUMN extra UInt8")
        warehouse.command("ALTER TABLE journey_rows MODIFY COLUMN events UInt64")
        warehouse.command("DROP TABLE late_rows")
        warehouse.command("DROP TABLE customer_rows")
        warehouse.command("CREATE TABLE customer_rows (customer_id String) ENGINE = MergeTree ORDER BY tuple()")
        found = differences(warehouse)
        assert "journey_rows.extra is UInt8, declared nowhere" in found
        assert "journey_rows.events is UInt64, declared UInt32" in found
        assert "late_rows is missing" in found
        assert "customer_rows has engine MergeTree, declared ReplacingMergeTree(version, is_deleted)" in found
        assert any(line.startswith("customer_rows is sorted by") for line in found)


def test_read_only_warehouses_refuse_writes(url: str) -> None:
    with closing(open_warehouse(url)) as writer:
        writer.migrate()
    with closing(open_warehouse(url, create=False, read_only=True)) as reader:
        assert reader.query("SELECT count() FROM events").value() == 0
        for write in (
            reader.migrate,
            lambda: reader.insert("expectation_rows", blank(EXPECTATIONS)),
            lambda: reader.command("DROP TABLE late_rows"),
        ):
            with pytest.raises(ReadOnlyError):
                write()


def test_every_migration_can_be_repeated(url: str) -> None:
    with opened(url) as warehouse:
        warehouse.command("TRUNCATE TABLE schema_migrations")
        assert len(warehouse.migrate()) == len(migrations())
        assert differences(warehouse) == []


def test_an_edited_migration_is_an_error(url: str) -> None:
    with opened(url) as warehouse:
        warehouse.command("INSERT INTO schema_migrations (number, name, checksum) SELECT 3, 'x', 'other'")
        with pytest.raises(MigrationError, match="0003"):
            warehouse.migrate()


def test_age_limits_come_and_go_by_configuration(url: str) -> None:
    engine = "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = 'event_rows'"
    for days, words in ((30, "toIntervalDay(30)"), (60, "toIntervalDay(60)"), (None, "")):
        address = f"{url}?raw_ttl_days={days}" if days else url
        with closing(open_warehouse(address)) as warehouse:
            warehouse.migrate()
            found = warehouse.query(engine).value()
            assert words in found
            assert ("TTL" in found) == bool(days)
            assert differences(warehouse) == []


def test_the_model_in_use_is_the_one_written_last(url: str) -> None:
    with opened(url) as warehouse:
        assert warehouse.query("SELECT model_version FROM model").value() == DEFAULT_MODEL.version
        assert warehouse.query("SELECT count() FROM segment_priors").value() == 0
        changed = model_parameters(DEFAULT_MODEL) | {"prior_mean": 60.0, "segment_prior/gold": 80.0}
        warehouse.migrate(changed, model="other")
        assert list(warehouse.query("SELECT model_version, prior_mean FROM model")) == [("other", 60.0)]
        assert list(warehouse.query("SELECT * FROM segment_priors")) == [("gold", 80.0, [80.0] * 3)]
        each = replace(DEFAULT_MODEL, prior_mean=(71.0, 68.0, 71.0), segments={"a/b": (60.0, 66.0, 63.0), "gold": 80.0})
        warehouse.migrate(model_parameters(each), model="each")
        assert list(warehouse.query("SELECT prior_mean, prior_means FROM model")) == [(70.0, [71.0, 68.0, 71.0])]
        found = list(warehouse.query("SELECT * FROM segment_priors ORDER BY prior_segment"))
        assert found == [("a/b", 63.0, [60.0, 66.0, 63.0]), ("gold", 80.0, [80.0] * 3)]
        used = used_model(warehouse)
        assert (used.prior_mean, used.segments) == (each.prior_mean, each.segments)
        warehouse.migrate()
        assert warehouse.query("SELECT prior_mean FROM model").value() == DEFAULT_MODEL.prior_mean
        assert warehouse.query("SELECT count() FROM segment_priors").value() == 0


def test_numbers_have_no_gaps() -> None:
    assert [migration.number for migration in migrations()] == list(range(1, len(migrations()) + 1))


@every_migration
def test_every_statement_can_be_repeated_and_is_commented(migration: Migration) -> None:
    for statement in statements(rendered(migration.text, Layout())):
        if statement.startswith("ALTER TABLE "):
            added = statement.splitlines()[1:]
            assert all(re.match(r"    ADD COLUMN IF NOT EXISTS \w+ .* COMMENT '[^']+'", line) for line in added)
            continue
        assert re.match(r"CREATE (TABLE IF NOT EXISTS|OR REPLACE VIEW) ", statement), statement[:60]
        assert re.search(r"COMMENT '[^\n]+'$", statement), statement[-60:]


@every_migration
def test_every_statement_goes_to_the_cluster_replicated(migration: Migration) -> None:
    for statement in statements(rendered(migration.text, Layout(cluster="main"))):
        assert re.match(r".* ON CLUSTER `main`( AS)?$", statement.splitlines()[0]), statement[:60]
        assert ("ENGINE" in statement) == ("ReplicatedReplacingMergeTree(" in statement)


def test_one_way_types_are_those_of_the_schema() -> None:
    (view,) = (migration for migration in migrations() if migration.name.endswith("event_journeys"))
    listed = re.search(r"e\.type IN \(([^)]*)\)", view.text)
    assert listed
    assert set(re.findall(r"'(\w+)'", listed[1])) == ONE_WAY_TYPES
