"""True perception along irregular times: a lasting and a recent level per customer, the recent one with shocks.

Levels are deviations from the prior mean, in points. The lasting one is an Ornstein-Uhlenbeck process. Of the recent
one a part of the variance comes from shocks that fade, and that some recoveries take back before they would have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Dynamics:
    """How the true levels move; the variances are those that the start model assumes."""

    lasting_variance: float = 130.0
    lasting_half_life_d: float = 180.0
    recent_variance: float = 64.0
    recent_half_life_d: float = 14.0
    shock_share: float = 0.5
    """Part of the recent variance that comes from shocks."""
    shocks_per_day: float = 0.05
    recovered: float = 0.6
    """Share of shocks that are recovered from."""
    recovery_d: float = 2.0
    """Mean time until then."""
    left: float = 0.3
    """Share of a shock that a recovery leaves."""

    def lasting(self, days: Floats) -> Floats:
        """Covariance of the lasting level at two times ``days`` apart."""
        return np.asarray(self.lasting_variance * np.exp2(-np.abs(days) / self.lasting_half_life_d))

    def recent(self, days: Floats) -> Floats:
        """Covariance of the recent level at two times ``days`` apart: of its noise, and of its shocks."""
        gap = np.abs(days)
        shocks = self._overlap(gap) / self._overlap(np.zeros(1))[0]
        share = self.shock_share * shocks + (1 - self.shock_share)
        return np.asarray(self.recent_variance * share * np.exp2(-gap / self.recent_half_life_d))

    @property
    def shock_sd(self) -> float:
        """Size of a shock: with it the shocks have their share of the recent variance (Campbell's theorem)."""
        variance = self.shock_share * self.recent_variance
        return math.sqrt(variance / (self.shocks_per_day * float(self._overlap(np.zeros(1))[0])))

    def _overlap(self, gap: Floats) -> Floats:
        """Integral over u of E[h(u)·h(u + gap)] without the fading 2^(-gap/H), where h is what is left of a shock."""
        fade = 2 * math.log(2) / self.recent_half_life_d
        late, whole = 1 / (fade + 1 / self.recovery_d), 1 / fade
        mended = (1 - self.left) * np.exp(-gap / self.recovery_d) * late + self.left * late
        mended += self.left**2 * (whole - late)
        return np.asarray((1 - self.recovered) * whole + self.recovered * mended)


def true_levels(who: Index, at_d: Floats, dynamics: Dynamics, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Lasting and recent level of customer ``who`` at ``at_d`` days; rows in order of (who, at_d)."""
    lasting = _reverting(who, at_d, dynamics.lasting_variance, dynamics.lasting_half_life_d, rng)
    calm = dynamics.recent_variance * (1 - dynamics.shock_share)
    recent = _reverting(who, at_d, calm, dynamics.recent_half_life_d, rng)
    return lasting, recent + _shocks(who, at_d, dynamics, rng)


def _reverting(who: Index, at_d: Floats, variance: float, half_life_d: float, rng: np.random.Generator) -> Floats:
    """An exact Ornstein-Uhlenbeck path per customer, from its stationary distribution."""
    noise = rng.standard_normal(len(who))
    level = math.sqrt(variance) * noise
    rank = np.arange(len(who)) - np.searchsorted(who, who, "left")
    by_rank = np.argsort(rank, kind="stable")
    bounds = np.searchsorted(rank[by_rank], np.arange(1, int(rank.max(initial=0)) + 2))
    for start, end in pairwise(bounds.tolist()):
        rows = by_rank[start:end]
        keep = np.exp2((at_d[rows - 1] - at_d[rows]) / half_life_d)
        level[rows] = level[rows - 1] * keep + np.sqrt(variance * (1 - keep**2)) * noise[rows]
    return level


def _shocks(who: Index, at_d: Floats, dynamics: Dynamics, rng: np.random.Generator) -> Floats:
    """What is left of each customer's shocks; they began ten half-lives before the first day."""
    before = 10 * dynamics.recent_half_life_d
    total = np.zeros(len(who))
    bounds = np.searchsorted(who, np.arange(int(who.max(initial=-1)) + 2))
    for start, end in pairwise(bounds.tolist()):
        times = at_d[start:end, np.newaxis]
        span = before + float(times.max(initial=0.0))
        count = rng.poisson(dynamics.shocks_per_day * span)
        begin = rng.uniform(-before, span - before, count)
        mended = begin + rng.exponential(dynamics.recovery_d, count)
        mended[rng.random(count) >= dynamics.recovered] = np.inf
        size = rng.normal(0.0, dynamics.shock_sd, count)
        age = times - begin
        left: NDArray[Any] = np.where(times > mended, dynamics.left, 1.0) * (age >= 0)
        total[start:end] = (size * left * np.exp2(-np.maximum(age, 0.0) / dynamics.recent_half_life_d)).sum(axis=1)
    return total
