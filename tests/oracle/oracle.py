"""Makes the oracle's tables in a warehouse, from its view ``events`` alone, and compares them with the views."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from jobs.warehouse.protocol import Warehouse
from pipeline.model import Model
from pipeline.policy import DAY_MS, Policy
from tests.oracle.numbers import tables, ticks
from tests.oracle.pairs import PAIRS, Pair

WITHOUT_END_MS: Final = 1_000_000 * DAY_MS
"""Longer than any interaction."""
TOLERANCE: Final = 1e-9
SHOWN: Final = 3


def build(warehouse: Warehouse, policy: Policy, model: Model, ticked: Mapping[int, int] | None = None) -> None:
    """Make all tables of the oracle; ``ticked``: partition -> latest moment of a tick in it, epoch milliseconds."""
    for table, select in tables(policy, model).items():
        _make(warehouse, table, select)
    _make(warehouse, "oracle_ticks", ticks(ticked or {}))
    for name in ("watermarks", "steps"):
        _make(warehouse, f"oracle_{name}", _sql(name))
    windows = {"oracle_": WITHOUT_END_MS, "oracle_cell_": policy.cell_window_ms}
    for prefix, within_ms in windows.items():
        _make(warehouse, f"{prefix}interactions", _sql("interactions", {"within_ms": str(within_ms)}))
    _make(warehouse, "oracle_look_back", _sql("look_back"))
    for prefix, within_ms in windows.items():
        _make_observations(warehouse, prefix, within_ms)
    _make(warehouse, "oracle_amends", _sql("amends"))
    own = "SELECT *, true AS own FROM"
    amends = "SELECT customer_id, interaction_key, at_ms, dimension, weight, value, false, false FROM oracle_amends"
    _make(warehouse, "oracle_lasting", f"{own} oracle_observations UNION ALL {amends}")
    _make(warehouse, "oracle_cell_lasting", f"{own} oracle_cell_observations")
    for prefix in windows:
        given = {"interactions": f"{prefix}interactions", "lasting": f"{prefix}lasting"}
        _make(warehouse, f"{prefix}evidence", _sql("evidence", given))
    for name in ("chains", "interaction_journeys", "journeys", "journey_evidence", "sums", "customers", "cells"):
        _make(warehouse, f"oracle_{name}", _sql(name))


def _make_observations(warehouse: Warehouse, prefix: str, within_ms: int) -> None:
    given = {
        "within_ms": str(within_ms),
        "interactions": f"{prefix}interactions",
        "signals": f"{prefix}signals",
        "cancelling": "true" if within_ms == WITHOUT_END_MS else "false",
    }
    for name in ("signals", "observations"):
        _make(warehouse, f"{prefix}{name}", _sql(name, given))


def _sql(name: str, given: Mapping[str, str] | None = None) -> str:
    text = (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
    return Template(text).substitute(given or {})


def _make(warehouse: Warehouse, table: str, select: str) -> None:
    warehouse.command(f"DROP TABLE IF EXISTS {table}")
    warehouse.command(f"CREATE TABLE {table} ENGINE = MergeTree ORDER BY tuple() AS {select}")


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison, in order of identity."""

    identities: list[tuple[Any, ...]]
    exact: list[tuple[Any, ...]]
    floats: NDArray[np.float64]
    """[rows, columns]; NaN = NULL."""


def differences(warehouse: Warehouse) -> list[str]:
    """Where views and oracle differ, one sentence for each pair and column; empty if they agree."""
    return [text for pair in PAIRS for text in _compare(warehouse, pair)]


def counted(warehouse: Warehouse) -> dict[str, int]:
    """Rows of the oracle per pair: a comparison of nothing proves nothing."""
    return {pair.name: int(warehouse.query(f"SELECT count() FROM {pair.oracle}").value()) for pair in PAIRS}


def _compare(warehouse: Warehouse, pair: Pair) -> Iterator[str]:
    seen, told = (_side(pair, _read(warehouse, pair, source)) for source in (pair.view, pair.oracle))
    if seen.identities != told.identities:
        yield from _unmatched(pair, set(seen.identities), set(told.identities))
        return
    for place, column in enumerate(pair.exact):
        left, right = ([row[place] for row in side.exact] for side in (seen, told))
        unequal = [i for i, (one, other) in enumerate(zip(left, right, strict=True)) if one != other]
        if unequal:
            shown = [(seen.identities[i], left[i], right[i]) for i in unequal[:SHOWN]]
            yield f"{pair.name}.{column}: {len(unequal)} of {len(left)} rows differ (view, oracle): {shown}"
    apart = ~np.isclose(seen.floats, told.floats, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    for place, column in enumerate(pair.floats):
        rows = np.flatnonzero(apart[:, place])
        if len(rows):
            shown = [(seen.identities[i], seen.floats[i, place], told.floats[i, place]) for i in rows[:SHOWN]]
            yield f"{pair.name}.{column}: {len(rows)} of {len(apart)} rows differ (view, oracle): {shown}"


def _unmatched(pair: Pair, seen: set[tuple[Any, ...]], told: set[tuple[Any, ...]]) -> Iterator[str]:
    for name, only in (("view", seen - told), ("oracle", told - seen)):
        if only:
            yield f"{pair.name}: {len(only)} only in the {name}: {sorted(only)[:SHOWN]}"


def _read(warehouse: Warehouse, pair: Pair, source: str) -> list[tuple[Any, ...]]:
    columns = [*pair.identity, *pair.exact, *(f"ifNull({name}, nan) AS {name}_" for name in pair.floats)]
    order = ", ".join(str(number + 1) for number in range(len(pair.identity)))
    return list(warehouse.query(f"SELECT {', '.join(columns)} FROM {source} ORDER BY {order}").rows)


def _side(pair: Pair, rows: list[tuple[Any, ...]]) -> Side:
    keys, exact = len(pair.identity), len(pair.identity) + len(pair.exact)
    return Side(
        [row[:keys] for row in rows],
        [row[keys:exact] for row in rows],
        np.array([row[exact:] for row in rows], np.float64).reshape(len(rows), len(pair.floats)),
    )
