"""The comparison sees every kind of difference, and only differences."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jobs.compare import PARTS, TOLERANCE, Snapshot, Table, differences
from jobs.simulate import Scenario, simulate
from tests.replay.warehouses import store, tables


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    values = [record.value for record in simulate(Scenario(customers=30, days=8, seed=5, bad_share=0.01))]
    path = tmp_path_factory.mktemp("taken") / "store"
    _, made = tables(path, [value for value in values if value is not None])
    with store(path) as warehouse:
        assert differences(warehouse, made, equal_order=True) == []
    return made


def changed(taken: Snapshot, name: str, table: Table) -> Snapshot:
    return {**taken, name: table}


@pytest.mark.parametrize("part", [part.name for part in PARTS if part.name != "late"])
def test_a_missing_row_is_a_difference(taken: Snapshot, part: str) -> None:
    table = taken[part]
    assert table.identities, f"the scenario makes no {part}"
    fewer = Table(
        table.identities[1:], table.exact[1:], table.names, table.floats[1:], table.moments[1:], table.half_lives
    )
    found = differences(taken, changed(taken, part, fewer))
    assert len(found) == 1
    assert found[0].startswith(f"{part}: 1 rows only in the first")


@pytest.mark.parametrize("part", [part.name for part in PARTS if part.name not in {"late", "rejected", "cells"}])
def test_another_text_is_a_difference(taken: Snapshot, part: str) -> None:
    table = taken[part]
    found = differences(taken, changed(taken, part, replace(table, exact=["other", *table.exact[1:]])))
    assert len(found) == 1
    assert "differ" in found[0]


@pytest.mark.parametrize("part", ["interactions", "customers", "cells", "expectations"])
@pytest.mark.parametrize(("factor", "equal"), [(1 + TOLERANCE / 10, True), (1 + 1e-6, False)])
def test_floats_may_differ_by_the_tolerance(taken: Snapshot, part: str, factor: float, equal: bool) -> None:
    table = taken[part]
    assert np.nanmax(np.abs(table.floats)) > 0.1
    found = differences(taken, changed(taken, part, replace(table, floats=table.floats * factor)))
    assert (not found) == equal


def test_decayed_sums_are_compared_at_a_common_moment(taken: Snapshot) -> None:
    table = taken["customers"]
    assert np.isfinite(table.half_lives).all()
    later = table.moments + 3 * 86_400_000
    decayed = table.floats * np.exp2((table.moments - later)[:, None] / table.half_lives)
    assert differences(taken, changed(taken, "customers", replace(table, moments=later, floats=decayed))) == []
    assert differences(taken, changed(taken, "customers", replace(table, moments=later))) != []


def test_given_is_not_not_given(taken: Snapshot) -> None:
    table = taken["events"]
    number = table.names.index("wait_s")
    row = int(np.flatnonzero(np.isnan(table.floats[:, number]))[0])
    floats = table.floats.copy()
    floats[row, number] = 0.0
    found = differences(taken, changed(taken, "events", replace(table, floats=floats)))
    assert len(found) == 1
    assert found[0].startswith("events.wait_s: 1 of")


def test_a_store_can_be_read_again(taken: Snapshot, tmp_path: Path) -> None:
    _, empty = tables(tmp_path / "store", [])
    found = differences(taken, empty)
    assert any(text.startswith("events:") for text in found)
    assert not any(text.startswith("model:") for text in found)
