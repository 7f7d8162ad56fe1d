"""Signals as causes: what an interaction does to the customer, of which a part stays (PERCEPTION.md, role ``cause``).

An answer is the customer's level, plus what its own interaction did, plus what is left of earlier ones. So the column
of a signal in the regression is its value at the answer's interaction plus the decayed sum of its earlier values times
the share that stays. A signal is learnt too from interactions that nobody was asked about. All columns are centred at
the mean of *all* interactions, not of those that were answered: who answers is not random, and the rest of the mean
answer is the prior's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.evaluate.before import sums_before
from jobs.evaluate.predicted import own_facts
from jobs.evaluate.reading import Base
from jobs.fit.learnt import LEAST
from jobs.fit.predicting import LEAST_EXPLAINED, Found, Worth, folds_of
from jobs.fit.ridge import Ridge, ridge
from pipeline.features import acted
from pipeline.model import Model
from pipeline.predictor import CAUSE, NOTHING, SIGNALS, Feature, Line, Predictor, Triple
from pipeline.signals import discover
from schemas.tables import DIMENSIONS

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

LASTING: Final = (0.0, 0.03, 0.06, 0.12, 0.18, 0.25, 0.35)
"""Shares that stay in the relationship which are tried."""
RECENT: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
"""The same of the journey."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A signal over all interactions: whether it is known, and how far its level is from the mean."""

    source: str
    mean: float
    low: float
    high: float
    varies: bool
    always: bool
    """Known of every interaction."""


@dataclass(frozen=True, slots=True)
class Design:
    """Columns of all signals: of each answer's own interaction, and of what came before it."""

    columns: list[_Column]
    means: Floats
    """Of all interactions, shape (p,)."""
    own: Floats
    """Shape (n, p), centred; 0 where an answer is about no interaction."""
    counted: NDArray[np.bool_]
    """Whether the own interaction is among the earlier ones."""
    lasting: Floats
    """Decayed sums of earlier interactions, shape (n, p)."""
    recent: Floats

    def at(self, stays: tuple[float, float]) -> Floats:
        """Columns of the regression if these shares stay."""
        own = self.own * np.where(self.counted, 1.0 - sum(stays), 1.0)[:, np.newaxis]
        return np.asarray(own + stays[0] * self.lasting + stays[1] * self.recent)


@dataclass(frozen=True, slots=True)
class Causes:
    """A predictor of causes and what it leaves of the answers."""

    found: Found
    effect: Floats
    """What happened, at each answer, by fits that did not see its customer, points, shape (n,)."""


def design(base: Base, model: Model) -> Design | None:
    """The columns of ``base``'s answers; None if no signal varies."""
    facts = base.facts.records
    rows = np.flatnonzero(acted(facts) & base.facts.closed)
    made = _columns(facts, rows)
    if made is None:
        return None
    columns, values = made
    means = values.mean(axis=0)
    values = values - means
    coded = base.coded
    owner = np.array([coded.code.get(base.facts.keys[row][0], -1) for row in rows.tolist()], np.int64)
    known = owner >= 0
    end_ms = facts["end_ms"][rows].astype(np.int64)
    place = np.full(len(facts), -1, np.int64)
    place[rows] = np.arange(len(rows))
    fact = own_facts(base)
    own = np.where(fact >= 0, place[fact], -1)
    lasting, recent = (
        sums_before(owner[known], end_ms[known], values[known], coded.customer, coded.at_ms, horizon.half_life_ms)
        for horizon in (model.relationship, model.journey)
    )
    counted = (own >= 0) & (end_ms[own] < coded.at_ms)
    return Design(columns, means, values[own] * (own >= 0)[:, np.newaxis], counted, lasting, recent)


def _columns(facts: NDArray[np.void], rows: Index) -> tuple[list[_Column], Floats] | None:
    """Per signal its level where known, and whether it is known."""
    columns: list[_Column] = []
    values: list[Floats] = []
    for name, signal in discover().items():
        level = signal.observed(facts)[rows]
        known = signal.applies(facts)[rows] & ~np.isnan(level)
        if known.sum() < LEAST:
            continue
        low, high = float(level[known].min()), float(level[known].max())
        mean = float(level[known].mean())
        column = _Column(f"{SIGNALS}{name}", mean, low, high, low < high, bool(known.all()))
        if column.varies:
            values.append(np.where(known, level - mean, 0.0))
        if not column.always:
            values.append(known.astype(np.float64))
        if column.varies or not column.always:
            columns.append(column)
    return (columns, np.column_stack(values)) if values else None


def find(
    base: Base,
    model: Model,
    points: Floats,
    weights: Floats,
    names: NDArray[np.object_],
    surprise: Callable[[Floats], float] | None,
) -> Causes | None:
    """Effects of all signals on answers ``points`` (n,), with the shares that stay; None if nothing is explained.

    ``weights`` (n, 3) are what an answer says about each dimension, ``names`` (n,) the customers. Shares that stay are
    those whose rest of the answers (n,) comes as the least ``surprise``; without it, those that explain most.
    """
    made = design(base, model)
    if made is None:
        return None
    fold = folds_of(names)
    weight = weights.mean(axis=1) / weights.mean(axis=1).max()
    lean = weights / weights.sum(axis=1, keepdims=True) - 1.0 / weights.shape[1]
    tried = {(a, b): ridge(_by_dimension(made.at((a, b)), lean), points, weight, fold) for a in LASTING for b in RECENT}

    def loss(stays: tuple[float, float]) -> float:
        fitted = tried[stays]
        return -fitted.explained if surprise is None else surprise(points - _effect(fitted))

    stays = min(tried, key=loss)
    fitted = tried[stays]
    if fitted.explained < LEAST_EXPLAINED:
        return None
    seen = (_by_dimension(made.at(stays), lean) - fitted.means) @ fitted.coefficients
    left = float(np.mean((points - points.mean() - seen) ** 2)) / float(np.var(points))
    optimism = max((1.0 - fitted.explained) / left, 1.0)
    explained, error, penalty = (
        np.full(len(DIMENSIONS), getattr(fitted, name)) for name in ("explained", "error", "penalty")
    )
    worth = _worth(made, fitted, points, fold)
    return Causes(Found(_predictor(made, fitted, stays), explained, error, penalty, worth, optimism), _effect(fitted))


def _by_dimension(x: Floats, lean: Floats) -> Floats:
    """Columns of an effect on all dimensions, of what it is more on each, and of the dimensions themselves.

    An answer is a mix of dimensions; ``lean`` (n, 3) is how much more of each it has than of the others. What a
    dimension's effect is beyond the common one has columns of its own, so the penalty shrinks it to the common one.
    """
    return np.hstack((x, *(x * own[:, np.newaxis] for own in lean.T), lean))


def _effect(fitted: Ridge) -> Floats:
    """What happened, at each answer, by fits that did not see its customer; not what its dimensions are."""
    last = -len(DIMENSIONS)
    mean = float(fitted.means[:last] @ fitted.coefficients[:last])
    return np.asarray(fitted.effects[:, :last].sum(axis=1) + mean)


def _slices(columns: list[_Column]) -> list[slice]:
    sizes = [int(one.varies) + int(not one.always) for one in columns]
    ends = np.cumsum(sizes).tolist()
    return [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]


def _predictor(made: Design, fitted: Ridge, stays: tuple[float, float]) -> Predictor:
    common, *more = np.split(fitted.coefficients[: -len(DIMENSIONS)], len(DIMENSIONS) + 1)
    beta = common[:, np.newaxis] + np.column_stack(more) - np.mean(more, axis=0)[:, np.newaxis]
    features: dict[str, Feature] = {}
    for column, part in zip(made.columns, _slices(made.columns), strict=True):
        own = beta[part]
        slope = _triple(own[0]) if column.varies else NOTHING
        base = NOTHING if column.always else _triple(own[-1])
        features[column.source] = Line(slope, column.mean, column.low, column.high, NOTHING, base)
    return Predictor(CAUSE, NOTHING, features, _triple(-made.means @ beta), stays)


def _worth(made: Design, fitted: Ridge, points: Floats, fold: Index) -> tuple[Worth, ...]:
    """cov(b_k, y)/var(y) of each signal on answers left out."""
    spread = float(((points - points.mean()) ** 2).mean())
    effects = fitted.effects[:, : -len(DIMENSIONS)].reshape(len(points), len(DIMENSIONS) + 1, -1).sum(axis=1)
    told = []
    for column, part in zip(made.columns, _slices(made.columns), strict=True):
        product = effects[:, part].sum(axis=1) * (points - points.mean()) / spread
        by_fold = np.array([product[fold == number].mean() for number in np.unique(fold)])
        error = float(by_fold.std(ddof=1) / len(by_fold) ** 0.5) if len(by_fold) > 1 else float("nan")
        told.append(Worth(column.source, "linear", float(product.mean()), error))
    return tuple(sorted(told, key=lambda one: (-one.explained, one.source)))


def _triple(values: Floats) -> Triple:
    first, second, third = (float(value) for value in values)
    return first, second, third
