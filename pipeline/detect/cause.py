"""Why a mean fell: other customers (mix shift), or the same ones worse off (a real fall), and where.

Exact decomposition over the parts j of a cell, with shares s and means m before (0) and during (1), μ the baseline:
``fall = Σ(s0 - s1)·(μ - μ̄) + Σ s1·(μ - m1)``; the first sum is the mix, the second the real fall.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.detect.machine import Alert
from pipeline.detect.run import Outcome
from pipeline.detect.series import Floats, Scope, Series

MIX: Final = "mix shift"
FALL: Final = "real fall"
UNSPLIT: Final = "not split further"
_COVERED: Final = 0.8
_BEFORE_DAYS: Final = 28


@dataclass(frozen=True, slots=True)
class Part:
    """A sub-cell's contribution to a fall, points; they add up to the fall with those of the mix."""

    scope: Scope
    real: float
    mix: float
    share_before: float
    share_now: float


@dataclass(frozen=True, slots=True)
class Cause:
    """What a fall is made of, by the split that tells most."""

    verdict: str
    fall: float
    real: float
    mix: float
    label: str
    parts: Sequence[Part]


def explain(alert: Alert, series: Series, outcome: Outcome, place: Mapping[Scope, int], day: int) -> Cause:
    """Cause of a drop alert; ``place``: cell of every scope, ``day``: buckets of a day."""
    splits = [_split(label, cells, alert, series, outcome, day) for label, cells in _splits(alert, series, place)]
    known = [split for split in splits if split is not None]
    if not known:
        return Cause(UNSPLIT, alert.size, alert.size, 0.0, "", ())
    mixed = max(known, key=lambda split: split.mix)
    if mixed.mix > mixed.fall / 2:
        return mixed
    return max(known, key=lambda split: (max((part.real for part in split.parts), default=0.0), split.label))


def _splits(alert: Alert, series: Series, place: Mapping[Scope, int]) -> list[tuple[str, dict[Scope, int]]]:
    """The ways to split the alert's cell by one label more."""
    mine = series.scopes[alert.cell]
    found = []
    for label in Scope._fields:
        if not getattr(mine, label):
            bare = {scope: cell for scope, cell in place.items() if getattr(scope, label)}
            found.append((label, {s: c for s, c in bare.items() if s._replace(**{label: ""}) == mine}))
    return [(label, cells) for label, cells in found if cells]


def _split(
    label: str, cells: Mapping[Scope, int], alert: Alert, series: Series, outcome: Outcome, day: int
) -> Cause | None:
    at, line = np.array(list(cells.values())), alert.line
    now = slice(alert.since, alert.fired + 1)
    before = slice(max(alert.since - _BEFORE_DAYS * day, 0), alert.since)
    n, n_before = series.n[now, at, line].sum(axis=0), series.n[before, at, line].sum(axis=0)
    if n.sum() < _COVERED * series.n[now, alert.cell, line].sum() or not n.any() or not n_before.any():
        return None
    mean = series.total[now, at, line].sum(axis=0) / np.maximum(n, 1)
    usual_before = series.total[before, at, line].sum(axis=0) / np.maximum(n_before, 1)
    usual = np.where(n > 0, mean + outcome.distance["drop"][now, at, line].sum(axis=0) / np.maximum(n, 1), usual_before)
    return _decompose(label, list(cells), (n_before / n_before.sum(), usual), (n / n.sum(), mean))


def _decompose(label: str, scopes: Sequence[Scope], before: tuple[Floats, Floats], now: tuple[Floats, Floats]) -> Cause:
    (share_before, usual), (share, mean) = before, now
    centre = float((share_before * usual).sum())
    mix = (share_before - share) * (usual - centre)
    real = share * (usual - mean)
    total_mix, total_real = float(mix.sum()), float(real.sum())
    verdict = MIX if total_mix > total_real else FALL
    order = np.argsort(-(mix if verdict == MIX else real), kind="stable")
    parts = [Part(scopes[j], *(float(v[j]) for v in (real, mix, share_before, share))) for j in order]
    return Cause(verdict, total_mix + total_real, total_real, total_mix, label, parts)
