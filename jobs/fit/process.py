"""How perception moves: a Gaussian process fitted to answers by its exact prequential likelihood.

The level of a customer is the sum of a lasting and a recent one (Ornstein-Uhlenbeck each), dimensions go together, an
interaction is felt with a chance of its own, and an answer adds noise. The likelihood of a Gaussian process is the
product of what every answer was predicted to be just before it came (Rasmussen & Williams 2006, 2.3 and 5.4). The
values that it takes start at are its prior, so that few answers change little.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Model
from pipeline.policy import DAY_MS

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

MOST_ANSWERS: Final = 24
"""Of a customer: the latest."""
MOST_CUSTOMERS: Final = 3_000
_BINS: Final = (1, 2, 4, 8, 14, MOST_ANSWERS)
_ALIKE: Final = 0.5
"""Correlation of the dimensions to start with."""
_TRUST: Final = np.array([0.7, 0.5, 0.7, 0.5, 0.7, 0.7, 1.0])
"""Standard deviations of the prior of the logarithms (of the correlation: of its log odds)."""
_STEPS: Final = (0.5, 0.25, 0.12, 0.06)


@dataclass(frozen=True, slots=True)
class Values:
    """Variances in square points, half-lives in days."""

    lasting: float
    lasting_d: float
    recent: float
    recent_d: float
    felt: float
    """Chance of one interaction."""
    noise: float
    alike: float
    """Correlation of two dimensions."""

    @classmethod
    def start(cls, model: Model) -> Values:
        """What ``model`` says of them."""
        noise = model.answer_variance - model.interaction.prior_variance
        return cls(
            model.relationship.prior_variance,
            2.0 * model.relationship.half_life_ms / DAY_MS,  # what halves in 180 days is followed best at 90
            model.journey.prior_variance,
            model.journey.half_life_ms / DAY_MS,
            model.interaction.prior_variance,
            noise,
            _ALIKE,
        )

    def coded(self) -> Floats:
        """As free numbers."""
        plain = (self.lasting, self.lasting_d, self.recent, self.recent_d, self.felt, self.noise)
        return np.array([*np.log(plain), np.log(self.alike / (1.0 - self.alike))])

    @classmethod
    def decoded(cls, numbers: Floats) -> Values:
        """Back from free numbers."""
        lasting, lasting_d, recent, recent_d, felt, noise = np.exp(numbers[:-1]).tolist()
        alike = 1.0 / (1.0 + float(np.exp(-numbers[-1])))
        return cls(lasting, lasting_d, recent, recent_d, felt, noise, alike)

    def along(self, days: Floats, variance: float, half_life_d: float) -> Floats:
        """Covariance of one level by the days between."""
        return np.asarray(variance * np.exp2(-np.abs(days) / half_life_d))

    def close(self, first: Floats, second: Floats) -> Floats:
        """Correlation of two mixes of dimensions, weights 1 in sum."""
        return np.asarray(self.alike + (1.0 - self.alike) * (first * second).sum(axis=-1))


@dataclass(frozen=True, slots=True)
class Series:
    """Answers of customers with about as many each, padded to (customers, most)."""

    days: Floats
    residual: Floats
    """Points of the reading above what is expected, 0 where padded."""
    about: Floats
    """Weights of the dimensions, shape (customers, most, 3)."""
    weight: Floats
    """The same as evidence: what the estimate weighs an answer with; 0 where padded."""
    kept: Floats
    """Share of a reading that its category keeps."""
    fact: Index
    given: NDArray[np.bool_]

    def covariance(self, values: Values) -> Floats:
        """Of the readings, shape (customers, most, most); the identity where padded."""
        apart = self.days[:, :, np.newaxis] - self.days[:, np.newaxis, :]
        same = self.fact[:, :, np.newaxis] == self.fact[:, np.newaxis, :]
        level = values.along(apart, values.lasting, values.lasting_d)
        level += values.along(apart, values.recent, values.recent_d) + values.felt * same
        level *= values.close(self.about[:, :, np.newaxis, :], self.about[:, np.newaxis, :, :])
        both = self.given[:, :, np.newaxis] & self.given[:, np.newaxis, :]
        own = np.where(self.given, values.noise, 1.0)
        return np.asarray(np.where(both, level, 0.0) + own[:, :, np.newaxis] * np.eye(self.days.shape[1]))


def series(customer: Index, at_ms: Index, residual: Floats, weight: Floats, kept: Floats, fact: Index) -> list[Series]:
    """Answers, shape (n,) each, by customer; of more than :data:`MOST_CUSTOMERS` customers every so many."""
    order = np.lexsort((at_ms, customer))
    starts = np.flatnonzero(np.append(True, np.diff(customer[order]) != 0))
    ends = np.append(starts[1:], len(order))
    step = -(-len(starts) // MOST_CUSTOMERS)
    starts, ends = starts[::step], ends[::step]
    count = np.minimum(ends - starts, MOST_ANSWERS)
    found = []
    for low, high in pairwise((0, *_BINS)):
        chosen = np.flatnonzero((count > low) & (count <= high))
        if len(chosen):
            place = (ends - count)[chosen, np.newaxis] + np.arange(high)
            given = place < ends[chosen, np.newaxis]
            rows = order[np.minimum(place, len(order) - 1)]
            about = weight[rows] / weight[rows].sum(axis=2, keepdims=True)
            numbers = np.where(given, fact[rows], -1 - np.arange(high))
            found.append(
                Series(
                    at_ms[rows] / DAY_MS,
                    residual[rows] * given,
                    about,
                    weight[rows] * given[:, :, np.newaxis],
                    kept[rows],
                    numbers,
                    given,
                )
            )
    return found


def surprise(found: list[Series], values: Values) -> float:
    """Negative logarithm of the likelihood, but for a constant."""
    total = 0.0
    for one in found:
        factor = np.linalg.cholesky(one.covariance(values))
        white = np.linalg.solve(factor, one.residual[:, :, np.newaxis])
        total += float(np.log(np.einsum("cii->ci", factor)).sum() + (white**2).sum() / 2.0)
    return total


def fitted(found: list[Series], model: Model) -> Values:
    """The most likely values, near those of ``model`` where answers say little: a search along each in turn."""
    start = Values.start(model).coded()

    def loss(numbers: Floats) -> float:
        far = (((numbers - start) / _TRUST) ** 2).sum() / 2.0
        return surprise(found, Values.decoded(numbers)) + float(far)

    best, least = start.copy(), loss(start)
    for step in _STEPS:
        for _ in range(2):
            for place in range(len(best)):
                best, least = _along(loss, best, least, place, step)
    return Values.decoded(best)


def _along(
    loss: Callable[[Floats], float], best: Floats, least: float, place: int, step: float
) -> tuple[Floats, float]:
    """Steps along one number, in the direction in which the loss falls, as long as it does."""
    for size in (step, -step):
        moved = False
        while True:
            tried = best.copy()
            tried[place] += size
            value = loss(tried)
            if not value < least - 1e-6:
                break
            best, least, moved = tried, value, True
        if moved:
            break
    return best, least
