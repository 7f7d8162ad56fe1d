"""A model in which signals are causes: their effects, the priors, how perception moves, and how evidence fades."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jobs.evaluate.predicted import own_facts
from jobs.evaluate.reading import Base
from jobs.fit.causes import find
from jobs.fit.fading import faded
from jobs.fit.learnt import LEAST, Learnt
from jobs.fit.predicting import Found
from jobs.fit.prior import priors
from jobs.fit.process import Values, fitted, series
from jobs.fit.response import eagerness, unselected
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
    model, learnt = start, list[Learnt]()
    for _ in range(_PASSES):
        causes = find(base, model, points, weights, names)
        if causes is None:
            return None
        learnt = []
        level = points - causes.effect
        model = priors(names, segment, level, replace(model, segments={}, prior_mean=start.prior_mean), learnt, [])
        expected = np.array([model.segments.get(name, model.prior_mean) for name in segment.tolist()])
        found = series(
            base.coded.customer, base.coded.at_ms, (level - expected) / kept_shares, weights, kept_shares, about
        )
        values = fitted(found, start)
        model = replace(model, predictor=causes.found.predictor)
        eager = eagerness(base, model, values.lasting + values.recent + values.felt)
        values = unselected(values, eager, model.answers.spread)
        model = faded(found, values, model)
    assert causes is not None
    more = Learnt("how much likelier an answer is per 20 points of feeling", 0.0, eager, len(base), float("nan"))
    return Caused(model, causes.found, [*learnt, *_told(start, model, values, len(base)), more])


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
