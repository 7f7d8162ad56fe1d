"""Priors of segments and dimensions when perception moves as a Gaussian process: generalised least squares.

Answers of one customer hang together, so they are whitened with the process's covariance first (Rasmussen & Williams
2006, 2.7: explicit basis functions with a normal prior). An answer is a mix of dimensions; the level of a mix is the
segment's, plus what its dimensions lie above the others, in general and in the segment. Kinds of questions have levels
of their own (other categories, other occasions): that of the questions which ask about one dimension alone (weight 1)
counts where there are enough of them, and the others are equated to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.fit.learnt import LEAST, Learnt
from jobs.fit.process import Series, Values
from pipeline.model import Model
from pipeline.priors import Triple
from schemas.tables import DIMENSIONS

Floats = NDArray[np.float64]
_WIDTH: Final = len(DIMENSIONS)
_FLAT: Final = 1_000.0
_LEAN: Final = 3.0
"""How far dimensions lie apart, points, standard deviation of the prior."""
_SEGMENT: Final = 4.0
_OWN_LEAN: Final = 1.5
_KIND: Final = 3.0


def levels(
    level: Floats,
    segment: NDArray[np.object_],
    weights: Floats,
    told: Callable[[Floats], list[Series]],
    values: Values,
    model: Model,
    learnt: list[Learnt],
) -> tuple[Model, Floats]:
    """``model`` with a prior per segment and dimension, and what they say of each answer, points, shape (n,).

    ``level`` (n,) are the answers without what happened, ``weights`` (n, 3) what they say about each dimension;
    ``told`` puts a number per answer into series of customers.
    """
    names = [name for name in sorted(set(segment.tolist())) if name and int((segment == name).sum()) >= LEAST]
    lean = weights / weights.sum(axis=1, keepdims=True) - 1.0 / _WIDTH
    member = np.column_stack([segment == name for name in names] or [np.zeros((len(level), 0))]).astype(np.float64)
    own = (member[:, :, np.newaxis] * lean[:, np.newaxis, :]).reshape(len(level), -1)
    kinds = _kinds(weights)
    columns = np.hstack((np.ones((len(level), 1)), lean, member, own, kinds))
    trust = np.repeat([_FLAT, _LEAN, _SEGMENT, _OWN_LEAN, _KIND], [1, _WIDTH, len(names), own.shape[1], kinds.shape[1]])
    center = model.answers.center
    found, error = _solved(columns, level - center, told, values, trust)
    common = center + found[0] + _apart(found[1 : 1 + _WIDTH])
    rest = found[1 + _WIDTH :]
    segments: dict[str, Triple] = {}
    for place, name in enumerate(names):
        more = rest[len(names) + place * _WIDTH :][:_WIDTH]
        segments[name] = _prior(common + rest[place] + _apart(more))
        n = int(member[:, place].sum())
        learnt += _told(f"prior of {name}", model.prior_of(name), segments[name], n, float(error[1 + _WIDTH + place]))
    prior = _prior(common)
    learnt += _told("prior mean", model.prior_of(""), prior, len(level), float(error[0]))
    return replace(model, prior_mean=prior, segments=segments), center + columns @ found


def _told(what: str, before: Triple, after: Triple, n: int, error: float) -> list[Learnt]:
    every = zip(DIMENSIONS, before, after, strict=True)
    return [Learnt(f"{what}, {dimension}", was, now, n, error) for dimension, was, now in every]


def _kinds(weights: Floats) -> Floats:
    """A column of 0 and 1 per kind of question that is equated to the ones about a single dimension, shape (n, k)."""
    if ((weights == 1.0).sum(axis=0) < LEAST).any():
        return np.zeros((len(weights), 0))
    kinds, kind = np.unique(weights, axis=0, return_inverse=True)
    return np.asarray(np.eye(len(kinds))[kind.reshape(-1)][:, (kinds < 1.0).all(axis=1)])


def _solved(
    columns: Floats, y: Floats, told: Callable[[Floats], list[Series]], values: Values, trust: Floats
) -> tuple[Floats, Floats]:
    """Coefficients with the standard deviations ``trust`` before any answer, and their standard errors."""
    parts = [told(column) for column in (*columns.T, y)]
    square, count = np.diag(np.append(trust**-2.0, 0.0)), len(trust)
    for group in zip(*parts, strict=True):
        factor = np.linalg.cholesky(group[0].covariance(values))
        white = np.linalg.solve(factor, np.stack([one.residual for one in group], axis=2)).reshape(-1, count + 1)
        square += white.T @ white
    known = np.linalg.inv(square[:count, :count])
    return known @ square[:count, count], np.sqrt(np.diag(known))


def _apart(lean: Floats) -> Floats:
    return np.asarray(lean - lean.mean())


def _prior(points: Floats) -> Triple:
    first, second, third = np.clip(points, 0.0, 100.0).tolist()
    return first, second, third
