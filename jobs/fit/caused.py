"""A model in which signals are causes: their effects, the priors, how perception moves, and how evidence fades."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jobs.evaluate.predicted import own_facts
from jobs.evaluate.reading import Base
from jobs.fit.causes import find
from jobs.fit.fading import faded
from jobs.fit.learnt import LEAST, Learnt
from jobs.fit.levels import levels
from jobs.fit.predicting import Found
from jobs.fit.process import Series, Values, fitted, series, surprise
from jobs.fit.response import freed
from pipeline.model import Model
from pipeline.policy import DAY_MS

Floats = NDArray[np.float64]
_PASSES = 2
"""Effects need half-lives and half-lives need effects: the second pass starts from the first one's."""


@dataclass(frozen=True, slots=True)
class Caused:
    """The model, what its predictor is worth, and what was learnt."""

    model: Model
    found: Found
    learnt: list[Learnt]


def causing(
    base: Base,
    start: Model,
    points: Floats,
    kept_shares: Floats,
    weights: Floats,
    names: NDArray[np.object_],
    segment: NDArray[np.object_],
) -> Caused | None:
    """``start`` with causes, from answers in order of ``base``; None where too few customers answered again.

    ``points`` (n,) are the answers, ``kept_shares`` (n,) what their category keeps of a reading, ``weights`` (n, 3)
    what they say about each dimension.
    """
    facts = own_facts(base)
    about = base.coded.interaction
    again = len(base) - len(np.unique(base.coded.customer))
    if again < LEAST or (facts < 0).all() or not np.isfinite(points).all():
        return None
    model, learnt, values = start, list[Learnt](), Values.start(start)
    center = start.answers.center
    readings = center + (points - center) / kept_shares
    surprising: Callable[[Floats], float] | None = None

    def told(residual: Floats) -> list[Series]:
        return series(base.coded.customer, base.coded.at_ms, residual, weights, kept_shares, about)

    for _ in range(_PASSES):
        causes = find(base, model, readings, weights, names, surprising)
        if causes is None:
            return None
        learnt = []
        level = readings - causes.effect
        before = replace(model, segments=start.segments, prior_mean=start.prior_mean)
        model, expected = levels(level, segment, weights, told, values, before, learnt)
        found = told(level - expected)
        values = fitted(found, start)
        surprising = _surprising(told, expected, values)
        model = replace(model, predictor=causes.found.predictor)
        eager, always = freed(base, model, values)
        model = faded(found, always, model)
    assert causes is not None
    more = Learnt("how much likelier an answer is per 20 points of feeling", 0.0, eager, len(base), float("nan"))
    return Caused(model, causes.found, [*learnt, *_told(start, model, always, len(base)), more])


def _surprising(told: Callable[[Floats], list[Series]], expected: Floats, values: Values) -> Callable[[Floats], float]:
    """How surprising levels (n,) are under ``values``, whatever their mean."""

    def of(level: Floats) -> float:
        residual = level - expected
        return surprise(told(residual - residual.mean()), values)

    return of


def _told(start: Model, model: Model, values: Values, n: int) -> list[Learnt]:
    stays = model.predictor.stays if model.predictor else (0.0, 0.0)
    before = Values.start(start)
    nan = float("nan")
    return [
        Learnt("share of what happens that stays in the relationship", 0.0, stays[0], n, nan),
        Learnt("share of what happens that stays in the journey", 0.0, stays[1], n, nan),
        Learnt("variance of the relationship, square points", before.lasting, values.lasting, n, nan),
        Learnt("variance of the journey, square points", before.recent, values.recent, n, nan),
        Learnt("variance of one interaction, square points", before.felt, values.felt, n, nan),
        Learnt("noise of one answer, square points", before.noise, values.noise, n, nan),
        Learnt("correlation of the dimensions", before.alike, values.alike, n, nan),
        *(
            Learnt(
                f"half-life of evidence on the {name}, days",
                getattr(start, name).half_life_ms / DAY_MS,
                getattr(model, name).half_life_ms / DAY_MS,
                n,
                nan,
            )
            for name in ("relationship", "journey")
        ),
    ]
