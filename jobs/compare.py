"""Are two warehouses the same tables? What any order, slicing or repetition of the same events must leave equal.

Left out is what names the way and not the result: versions, source topic, partition and offset, append times and
reference times. Cells are summed over source partitions, decayed sums are brought to a common moment per row.
Floats may differ by 1e-9, relative or absolute; everything else is equal or is a difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from jobs.warehouse import Warehouse
from schemas.tables import CELLS

TOLERANCE: Final = 1e-9
_FLOATS: Final = ("Float64", "Nullable(Float64)")
_SHOWN: Final = 3
"""Examples in a message."""
_WAY: Final = frozenset({"version", "source_topic", "source_partition", "source_offset", "appended_at", "as_of"})


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to compare: rows by identity."""

    name: str
    identity: tuple[str, ...]
    source: str
    """View or subquery."""
    left_out: frozenset[str] = _WAY
    half_lives: Mapping[str, str] = field(default_factory=dict)
    """Prefix of columns that are decayed to ``as_of`` -> name of their half-life in the model."""
    only_in_equal_order: bool = False


_SUMMED: Final = ", ".join(
    f"sum(t.{column.name}) AS {column.name}"
    for column in CELLS.columns
    if column.name not in {*CELLS.identity, *_WAY, "is_deleted"}
)
_SCOPE: Final = tuple(name for name in CELLS.identity if name != "source_partition")

PARTS: Final = (
    Part("model", ("model_version",), "model"),
    Part("events", ("customer_id", "event_id"), "events"),
    Part("interactions", ("customer_id", "interaction_key"), "interactions"),
    Part("journeys", ("customer_id", "journey_key"), "journeys"),
    Part("event_journeys", ("customer_id", "event_id"), "event_journeys"),
    Part(
        "customers",
        ("customer_id",),
        "customers",
        half_lives={"journey_": "journey_half_life_ms", "relationship_": "relationship_half_life_ms"},
    ),
    Part(
        "cells",
        _SCOPE,
        f"(SELECT {', '.join(_SCOPE)}, {_SUMMED} FROM {CELLS.name} AS t FINAL GROUP BY {', '.join(_SCOPE)})",  # noqa: S608
    ),
    Part("service_recovery", ("customer_id", "failure_key"), "service_recovery"),
    Part(
        "expectations",
        ("customer_id",),
        "expectations",
        half_lives=dict.fromkeys(("ad_", "recommendation_", "promise_"), "journey_half_life_ms"),
    ),
    Part("rejected", ("reason", "payload"), "(SELECT DISTINCT reason, payload FROM rejected)"),
    Part("late", ("customer_id", "event_id"), "late", left_out=_WAY | {"watermark"}, only_in_equal_order=True),
)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one part, in order of identity."""

    identities: list[tuple[Any, ...]]
    exact: list[str]
    """All columns but the floats, as text."""
    names: list[str]
    """Of the float columns."""
    floats: NDArray[np.float64]
    """[rows, float columns]; NaN = NULL."""
    moments: NDArray[np.float64]
    """Reference times, epoch milliseconds (zeros where nothing decays)."""
    half_lives: NDArray[np.float64]
    """Per float column, milliseconds; infinite where it does not decay."""


Snapshot = Mapping[str, Table]
"""Everything that is compared of one warehouse: an embedded engine opens one store at a time."""


def snapshot(warehouse: Warehouse) -> Snapshot:
    """Read all that is compared."""
    return {part.name: _read(warehouse, part) for part in PARTS}


def differences(a: Warehouse | Snapshot, b: Warehouse | Snapshot, *, equal_order: bool = False) -> list[str]:
    """What differs, one sentence for each kind of difference; empty if the tables are the same.

    ``equal_order`` also compares late events: which ones are late depends on the order of arrival.
    """
    left, right = (given if isinstance(given, Mapping) else snapshot(given) for given in (a, b))
    parts = [part.name for part in PARTS if equal_order or not part.only_in_equal_order]
    return [text for name in parts for text in _compare(name, left[name], right[name])]


def _read(warehouse: Warehouse, part: Part) -> Table:
    described = warehouse.query(f"DESCRIBE (SELECT * FROM {part.source})").rows  # noqa: S608 - declared names
    kept = [(str(row[0]), str(row[1]) in _FLOATS) for row in described if row[0] not in part.left_out]
    floats = [name for name, is_float in kept if is_float]
    exact = [name for name, is_float in kept if not is_float and name not in part.identity]
    moment = "toUnixTimestamp64Milli(as_of)" if part.half_lives else "0"
    columns = [*part.identity, _text(exact), moment, *(f"ifNull({name}, nan)" for name in floats)]
    order = ", ".join(str(number + 1) for number in range(len(part.identity) + 1))
    rows = warehouse.query(f"SELECT {', '.join(columns)} FROM {part.source} ORDER BY {order}").rows  # noqa: S608
    width = len(part.identity)
    return Table(
        [tuple(row[:width]) for row in rows],
        [row[width] for row in rows],
        floats,
        np.array([row[width + 2 :] for row in rows], dtype=np.float64).reshape(len(rows), len(floats)),
        np.array([row[width + 1] for row in rows], dtype=np.float64),
        _half_lives(warehouse, part, floats),
    )


def _text(columns: Sequence[str]) -> str:
    pairs = ", ".join(f"'{name}', toString({name})" for name in columns)
    return f"toString(tuple({pairs}))" if columns else "''"


def _half_lives(warehouse: Warehouse, part: Part, floats: Sequence[str]) -> NDArray[np.float64]:
    if not part.half_lives:
        return np.full(len(floats), np.inf)
    model = warehouse.query("SELECT * FROM model").dicts()[0]
    return np.array(
        [
            next((model[half_life] for prefix, half_life in part.half_lives.items() if name.startswith(prefix)), np.inf)
            for name in floats
        ]
    )


def _compare(name: str, a: Table, b: Table) -> list[str]:
    if a.names != b.names:
        return [f"{name}: columns differ: {sorted(set(a.names) ^ set(b.names))}"]
    if a.identities != b.identities:
        return _missing(name, Counter(a.identities), Counter(b.identities))
    return [*_exact(name, a, b), *_floats(name, a, b)]


def _missing(name: str, a: Counter[tuple[Any, ...]], b: Counter[tuple[Any, ...]]) -> list[str]:
    only = (("first", a - b), ("second", b - a))
    return [f"{name}: {rows.total()} rows only in the {side}: {list(rows)[:_SHOWN]}" for side, rows in only if rows]


def _exact(name: str, a: Table, b: Table) -> list[str]:
    unequal = [i for i, (left, right) in enumerate(zip(a.exact, b.exact, strict=True)) if left != right]
    if not unequal:
        return []
    shown = [f"{a.identities[i]}: {a.exact[i]} / {b.exact[i]}" for i in unequal[:_SHOWN]]
    return [f"{name}: {len(unequal)} of {len(a.exact)} rows differ: {'; '.join(shown)}"]


def _floats(name: str, a: Table, b: Table) -> list[str]:
    if not a.floats.size:
        return []
    common = np.maximum(a.moments, b.moments)
    left, right = _moved(a, common), _moved(b, common)
    unequal = ~np.isclose(left, right, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    return [
        f"{name}.{column}: {count} of {len(unequal)} rows differ: {_example(a, left, right, unequal, number)}"
        for number, column in enumerate(a.names)
        if (count := int(unequal[:, number].sum()))
    ]


def _moved(table: Table, to_ms: NDArray[np.float64]) -> NDArray[np.float64]:
    moved: NDArray[np.float64] = table.floats * np.exp2((table.moments - to_ms)[:, None] / table.half_lives)
    return moved


def _example(
    table: Table, left: NDArray[np.float64], right: NDArray[np.float64], unequal: NDArray[np.bool_], column: int
) -> str:
    rows = np.flatnonzero(unequal[:, column])[:_SHOWN]
    return "; ".join(f"{table.identities[i]}: {left[i, column]!r} / {right[i, column]!r}" for i in rows)
