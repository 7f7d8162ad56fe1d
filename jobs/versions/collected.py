"""What a run over a log leaves of its customers and interactions, in memory: the newest row of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline import scores
from pipeline.batch import Columns, Flush
from pipeline.model import Horizon, Model
from schemas.tables import DIMENSIONS

Floats = NDArray[np.float64]

LONG: Final = ("relationship", "journey")
_PARTS: Final = ("weight", "sum")


@dataclass(frozen=True, slots=True)
class Customer:
    """Decayed sums of one customer at ``as_of_ms``; shape (2, 2, 3): horizon, weight and sum, dimension."""

    segment: str
    as_of_ms: int
    sums: Floats


@dataclass(frozen=True, slots=True)
class Interaction:
    """One interaction and its decayed sums at its end, as in :class:`Customer`."""

    started_ms: int
    ended_ms: int
    what: str
    sums: Floats


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one customer at a moment, shape (2, 3): horizon, dimension; uncapped points."""

    prior: Floats
    """Where each starts."""
    mean: Floats
    shown: Floats
    """Clipped and capped by the pyramid."""
    weight: Floats
    """Evidence W."""


def _sums(columns: Columns) -> Floats:
    """Shape (n, 2, 2, 3)."""
    found = [
        [[columns[f"{horizon}_{dimension}_{part}"] for dimension in DIMENSIONS] for part in _PARTS] for horizon in LONG
    ]
    return np.moveaxis(np.array(found, dtype=np.float64), -1, 0)


def customers(flushes: Iterable[Flush]) -> dict[str, Customer]:
    """The customers after all flushes."""
    found: dict[str, Customer] = {}
    for flush in flushes:
        columns = flush.rows.get("customer_rows")
        if columns is not None:
            rows = zip(_listed(columns, "customer_id", "segment", "as_of"), _sums(columns), strict=True)
            found |= {name: Customer(segment, as_of, sums) for (name, segment, as_of), sums in rows}
    return found


def interactions(flushes: Iterable[Flush], chosen: AbstractSet[str]) -> dict[str, dict[str, Interaction]]:
    """The interactions of ``chosen`` customers after all flushes, by key."""
    found: dict[str, dict[str, Interaction]] = {name: {} for name in chosen}
    wanted = ("customer_id", "interaction_key", "is_deleted", "started_at", "ended_at", "touchpoint", "type", "outcome")
    for flush in flushes:
        columns = flush.rows.get("interaction_rows")
        if columns is None:
            continue
        for row, sums in zip(_listed(columns, *wanted), _sums(columns), strict=True):
            name, key, deleted, started, ended, touchpoint, kind, outcome = row
            if name not in chosen:
                continue
            if deleted:
                found[name].pop(key, None)
            else:
                what = ", ".join(filter(None, (touchpoint or kind, outcome)))
                found[name][key] = Interaction(started, ended, what, sums)
    return found


def _listed(columns: Columns, *names: str) -> Iterable[tuple[Any, ...]]:
    """Rows of some columns as plain values."""
    plain = [
        values.tolist() if hasattr(values, "tolist") else list(values) for values in (columns[name] for name in names)
    ]
    return zip(*plain, strict=True)


def score(customer: Customer, at_ms: int, model: Model) -> Scores:
    """Scores of a customer at ``at_ms``."""
    horizons = (model.relationship, model.journey)
    prior = np.array(model.prior_of(customer.segment))
    variance = np.zeros(3)
    priors, means, shown, weights = [], [], [], []
    for horizon, (weight, total) in zip(horizons, customer.sums, strict=True):
        decay = _decay(at_ms - customer.as_of_ms, horizon)
        mean = scores.mean(weight * decay, total * decay, prior, horizon)
        variance = scores.variance(weight * decay, variance, horizon)
        priors.append(prior)
        means.append(mean)
        weights.append(weight * decay)
        shown.append(scores.shown(mean, variance, model).mean)
        prior = mean
    return Scores(*(np.array(values) for values in (priors, means, shown, weights)))


def contributions(told: Mapping[str, Interaction], known: Scores, at_ms: int, model: Model) -> dict[str, Floats]:
    """Points that each interaction moves the scores away from their start, shape (2, 3) each; they add up exactly."""
    found = {}
    for key, one in told.items():
        points = np.zeros((2, 3))
        for place, horizon in enumerate((model.relationship, model.journey)):
            weight, total = one.sums[place] * _decay(at_ms - one.ended_ms, horizon)
            points[place] = (total - weight * known.prior[place]) / (horizon.prior_weight + known.weight[place])
        found[key] = points
    return found


def _decay(age_ms: int, horizon: Horizon) -> float:
    return float(np.exp2(-age_ms / horizon.half_life_ms))
