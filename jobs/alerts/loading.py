"""Series of cells out of the view ``cells``, and distinct customers out of ``interactions``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from jobs.warehouse import Warehouse
from pipeline.detect.assemble import Watched, watched
from pipeline.detect.machine import Customers
from pipeline.detect.policy import Watch
from pipeline.detect.series import Scope, Series
from schemas.tables import DIMENSIONS

_COLUMNS: Final = {
    "scores": ("n", "mean", "stddev", "interactions", "customers"),
    "answers": ("answers", "answer_mean", "answer_stddev", "answers", "answer_customers"),
}
_CELLS: Final = """SELECT scope, channel, segment, touchpoint, toUnixTimestamp64Milli(bucket_at), dimension,
    toFloat64({n}), ifNull({mean}, 0), ifNull({stddev}, 0), toFloat64({contacts}), toFloat64({customers})
FROM cells
WHERE grain = {{grain:String}} AND bucket_at < fromUnixTimestamp64Milli({{until:Int64}}) AND {contacts} > 0"""
_LABELS: Final = {
    "all": (),
    "channel": ("channel",),
    "segment": ("segment",),
    "touchpoint": ("touchpoint",),
    "channel_segment": ("channel", "segment"),
    "channel_touchpoint": ("channel", "touchpoint"),
    "segment_touchpoint": ("segment", "touchpoint"),
}
_DISTINCT: Final = """SELECT uniqExact(customer_id) FROM interactions
WHERE started_at >= fromUnixTimestamp64Milli({first:Int64}) AND started_at < fromUnixTimestamp64Milli({end:Int64})"""


def load(store: Warehouse, watch: Watch, kind: str, until_ms: int) -> Watched | None:
    """Buckets of one grain that end up to ``until_ms``; None if there are none.

    Cells with fewer observations than a baseline needs are left out.
    """
    n, mean, stddev, contacts, customers = _COLUMNS[kind]
    sql = _CELLS.format(n=n, mean=mean, stddev=stddev, contacts=contacts, customers=customers)
    rows = store.query(sql, {"grain": watch.grain, "until": until_ms - until_ms % watch.width_ms}).rows
    series = _series([row for row in rows if _named(row)], watch)
    return None if series is None else watched(series, watch)


def _named(row: tuple[Any, ...]) -> bool:
    """Whether every label that the scope is split by is given."""
    labels = dict(zip(Scope._fields, row[1:4], strict=True))
    return all(labels[label] for label in _LABELS.get(row[0], ()))


def _series(rows: list[tuple[Any, ...]], watch: Watch) -> Series | None:
    if not rows:
        return None
    scopes = sorted({Scope(*row[1:4]) for row in rows}, key=lambda scope: (scope.depth, scope))
    place = {scope: at for at, scope in enumerate(scopes)}
    bucket = np.array([row[4] for row in rows], np.int64) // watch.width_ms
    first = int(bucket.min())
    at = (bucket - first, np.array([place[Scope(*row[1:4])] for row in rows]))
    line = np.array([DIMENSIONS.index(row[5]) for row in rows])
    shape = (int(bucket.max()) - first + 1, len(scopes))
    n, mean, stddev, contacts, customers = np.array([row[6:] for row in rows], np.float64).T
    cubes = [np.zeros((*shape, len(DIMENSIONS))) for _ in range(3)]
    for cube, values in zip(cubes, (n, n * mean, np.maximum(n - 1, 0) * stddev**2), strict=True):
        cube[(*at, line)] = values
    flat = [np.zeros(shape) for _ in range(2)]
    for plane, values in zip(flat, (contacts, customers), strict=True):
        np.maximum.at(plane, at, values)  # of the dimensions of answers, the one with most
    return Series(first, tuple(scopes), *cubes, *flat)


def distinct_customers(store: Warehouse, loaded: Watched, watch: Watch, kind: str) -> Customers:
    """Distinct customers over buckets, counted in the warehouse once the buckets' sum allows for enough of them."""
    summed = np.vstack([np.zeros((1, len(loaded.series.scopes))), loaded.series.customers.cumsum(axis=0)])
    known: dict[tuple[int, int, int], int] = {}

    def count(cell: int, first: int, last: int) -> int:
        most = int(summed[last + 1, cell] - summed[first, cell])
        if most < watch.customers or (cell, first, last) in known:
            return known.get((cell, first, last), most)
        condition, parameters = where(loaded.series.scopes[cell])
        span = {"first": loaded.time_ms(first, watch), "end": loaded.time_ms(last + 1, watch)}
        sql = _DISTINCT + condition + (" AND answers > 0" if kind == "answers" else "")
        found = int(store.query(sql, {**span, **parameters}).value())
        known[cell, first, last] = found
        return found

    return count


def where(scope: Scope) -> tuple[str, dict[str, str]]:
    """Condition on labels that selects a scope's rows, with its parameters."""
    given = {name: value for name, value in zip(Scope._fields, scope, strict=True) if value}
    return "".join(f" AND {name} = {{{name}:String}}" for name in given), given


def instant(epoch_ms: int) -> str:
    """A moment as RFC 3339 in UTC.

    >>> instant(1_435_017_600_000)
    '2015-06-23T00:00:00Z'
    """
    return datetime.fromtimestamp(epoch_ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
