"""A replay: the tables are a function of the set of events, not of their order, slices or repetition."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from jobs.compare import Snapshot, differences
from jobs.errors import NotEmptyError
from jobs.replay import VIEWS, Plan, Totals, prepare, replay, rows
from jobs.settings import Settings
from jobs.simulate import Scenario, simulate
from jobs.warehouse.errors import WarehouseError
from pipeline.policy import HOUR_MS, Policy
from tests.replay.warehouses import NOW_MS, chunks, store, tables


@pytest.fixture(scope="module")
def values() -> list[bytes]:
    """A small operator's records, broken ones included; conflicting duplicates would depend on the order."""
    records = simulate(Scenario(customers=60, days=12, seed=11, bad_share=0.01))
    return [record.value for record in records if record.value is not None and record.kind != "conflict"]


@pytest.fixture(scope="module")
def reference(values: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> tuple[Totals, Snapshot]:
    return tables(tmp_path_factory.mktemp("reference") / "store", values)


def test_every_record_is_accounted_for(values: list[bytes], reference: tuple[Totals, Snapshot]) -> None:
    totals, tables_of_reference = reference
    counts = totals.counts
    assert totals.records == len(values)
    assert counts["events"] + counts["duplicates"] + counts["late"] + counts["rejected"] == len(values)
    assert counts["late"] == 0 < counts["duplicates"]
    assert counts["rejected"] == totals.rejected.total() > 0
    assert len(tables_of_reference["events"].identities) == counts["events"]
    assert all(tables_of_reference[name].identities for name in ("journeys", "customers", "cells", "expectations"))


@pytest.mark.parametrize("case", ["shuffled", "reversed", "twice", "small batches"])
def test_the_tables_are_the_same(
    case: str, values: list[bytes], reference: tuple[Totals, Snapshot], tmp_path: Path
) -> None:
    given = {
        "shuffled": random.Random(3).sample(values, len(values)),
        "reversed": values[::-1],
        "twice": values + values,
    }.get(case, values)
    plan = Plan(NOW_MS, partitions=1 if case == "one partition" else 4, batch=97 if case == "small batches" else 20_000)
    totals, made = tables(tmp_path / "store", given, plan=plan)
    assert differences(reference[1], made) == []
    assert totals.counts["events"] == reference[0].counts["events"]


def test_what_comes_too_late_is_kept_apart(values: list[bytes], tmp_path: Path) -> None:
    strict = Settings(policy=Policy(lateness_ms=HOUR_MS))
    totals, made = tables(tmp_path / "store", values[::-1], settings=strict)
    assert totals.counts["late"] > 0
    assert len(made["late"].identities) > 0
    assert sum(totals.counts[name] for name in ("events", "duplicates", "late", "rejected")) == len(values)


def test_events_after_now_are_rejected(values: list[bytes], tmp_path: Path) -> None:
    totals, _ = tables(tmp_path / "store", values[:200], plan=Plan(now_ms=0, partitions=2))
    assert totals.counts["events"] == 0
    assert totals.rejected["far_future"] > 150


def test_a_store_with_rows_is_refused_unless_they_may_go(values: list[bytes], tmp_path: Path) -> None:
    plan = Plan(NOW_MS, partitions=2)
    with store(tmp_path / "store") as warehouse:
        prepare(warehouse, replace=False)
        replay(chunks(values[:300]), warehouse, Settings(), plan)
        before = dict(rows(warehouse))
        assert set(before) == set(VIEWS)
        with pytest.raises(NotEmptyError, match="holds rows already") as caught:
            prepare(warehouse, replace=False)
        assert "--replace" in caught.value.action
        assert dict(rows(warehouse)) == before
        prepare(warehouse, replace=True)
        assert Counter(rows(warehouse)).total() == 0


def test_progress_counts_every_record(values: list[bytes], tmp_path: Path) -> None:
    seen: list[int] = []
    with store(tmp_path / "store") as warehouse:
        prepare(warehouse, replace=False)
        replay(chunks(values[:500], 60), warehouse, Settings(), Plan(NOW_MS, partitions=2, batch=50), seen.append)
    assert sum(seen) == 500
    assert len(seen) > 4


def test_rows_that_cannot_be_written_end_the_replay(values: list[bytes], tmp_path: Path) -> None:
    with store(tmp_path / "store") as warehouse:
        prepare(warehouse, replace=False)
        warehouse.command("DROP TABLE event_rows")
        with pytest.raises(WarehouseError, match="event_rows"):
            replay(chunks(values[:200]), warehouse, Settings(), Plan(NOW_MS, partitions=1))
