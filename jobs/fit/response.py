"""Who answers: the more an interaction moved a customer, the likelier an answer, so answers vary more than perception.

Response is taken as proportional to 1 + γ·E|d|/20 within a channel and touchpoint, with d ~ N(b, s²) what somebody felt
above the usual: b is known of answered and unanswered interactions alike, so γ is estimated by the likelihood of which
ones were answered (a proportional-rate model with a factor per group, profiled) with an exponential prior of mean 1,
because rates from 2 on look alike. Given γ, the second moment of d among
answers is φ = (1 + 2c)/(1 + c) times that of all, c = γ·s/20·√(2/π).
"""

from __future__ import annotations

from dataclasses import replace
from math import erf, pi, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.evaluate.predicted import own_facts
from jobs.evaluate.reading import Base
from jobs.fit.process import Values
from pipeline.features import acted, cause_shift
from pipeline.model import Model
from pipeline.records import NOTE

Floats = NDArray[np.float64]
_ERF = np.vectorize(erf, otypes=[np.float64])
_GRID: Final = tuple(place / 20.0 for place in range(81))
"""Rates that are tried: 0 (random) to 4."""
_HALF: Final = sqrt(2.0 / pi)
_ROUNDS: Final = 20
_EACH: Final = 3


def eagerness(base: Base, model: Model, felt: float) -> float:
    """γ of customers whose feeling, mean of the dimensions, has the variance ``felt``, square points.

    0 = who answers does not depend on it.
    """
    facts = base.facts
    asked = np.zeros(len(facts.keys), dtype=np.bool_)
    own = own_facts(base)
    asked[own[own >= 0]] = True
    rows = np.flatnonzero(acted(facts.records) & facts.closed)
    shift = cause_shift(facts.records, facts.closed, np.zeros(0, dtype=NOTE), facts.strings, model)[rows].mean(axis=1)
    records, answered = facts.records[rows], asked[rows]
    _, group = np.unique(np.stack([records["channel"], records["touchpoint"]]), axis=1, return_inverse=True)
    group = group.reshape(-1)
    share = np.bincount(group, answered) / np.bincount(group)
    told = (share > 0)[group]
    return likeliest(_folded(shift[told], felt) / model.answers.spread, answered[told], group[told])


def _folded(mean: Floats, variance: float) -> Floats:
    """E|d| of d ~ N(mean, variance)."""
    spread = sqrt(variance)
    near = spread * _HALF * np.exp(-(mean**2) / (2.0 * variance))
    return np.asarray(near + mean * _ERF(mean / (spread * sqrt(2.0))))


def likeliest(far: Floats, answered: NDArray[np.bool_], group: NDArray[np.int64]) -> float:
    """The rate of :func:`eagerness`; ``far`` is E|d|/20 of each interaction, shape (n,)."""
    if not answered.any():
        return 0.0
    count = np.bincount(group, answered)
    known = count > 0

    def gain(rate: float) -> float:
        eager = 1.0 + rate * far
        total = np.bincount(group, eager, len(count))[known]
        return float(np.log(eager[answered]).sum() - (count[known] * np.log(total)).sum()) - rate

    return max(_GRID, key=gain)


def unselected(values: Values, eager: float, spread: float) -> Values:
    """``values`` of all moments, from those of answered ones; the noise of answers is what it is.

    Who answers depends on the mean d of the dimensions, whose variance is ρ² = (1 + 2·alike)/3 of a single one's. ρ² is
    also the squared correlation of both, so the second moment of a single one grows by 1 + ρ²·(φ - 1).
    """
    seen, together = values.lasting + values.recent + values.felt, shared(values)
    factor = 1.0
    for _ in range(_ROUNDS):
        c = eager * sqrt(together * seen / factor) / spread * _HALF
        factor = 1.0 + together * c / (1.0 + c)
    return replace(values, lasting=values.lasting / factor, recent=values.recent / factor, felt=values.felt / factor)


def shared(values: Values) -> float:
    """Variance of the mean of the dimensions, as a share of the variance of one."""
    return (1.0 + 2.0 * values.alike) / 3.0


def freed(base: Base, model: Model, values: Values) -> tuple[float, Values]:
    """γ and ``values`` of all moments: each follows from the other."""
    eager, always = 0.0, values
    for _ in range(_EACH):
        feeling = (always.lasting + always.recent + always.felt) * shared(values)
        eager = eagerness(base, model, feeling)
        always = unselected(values, eager, model.answers.spread)
    return eager, always
