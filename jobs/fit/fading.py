"""From a process to decayed sums: the values with which they come nearest to it, and how far they stay off.

Decayed sums are linear in the answers, so their expected squared error under a Gaussian process is known exactly:
v = k₀ - 2aᵀk + aᵀKa with the weights a of the answers, their covariance K, and k with what is asked for. Prior weight n
and half-life H are those with the least mean error; τ² and f follow by least squares of v·(n + W) = n·τ² + W·f.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.fit.process import Series, Values
from pipeline.model import Horizon, Model
from pipeline.policy import DAY_MS

Floats = NDArray[np.float64]

MOMENTS: Final = (0.4, 0.6, 0.8, 1.0)
"""When is asked, as shares of the time that the answers span."""
_WEIGHTS: Final = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One moment and dimension of one group of customers, arrays of shape (customers, answers)."""

    age: Floats
    weight: Floats
    kept: Floats
    covariance: Floats
    lasting: Floats
    """Covariance of each reading with the relationship."""
    standing: Floats
    """The same with the journey: relationship and recent level."""

    def share(self, prior_weight: float, half_life_d: float) -> tuple[Floats, Floats, Floats]:
        """Weights of readings in S/(n + W), the prior's weight n/(n + W), and W."""
        faded = self.weight * np.exp2(-self.age / half_life_d)
        total = faded.sum(axis=1, keepdims=True)
        return faded * self.kept / (prior_weight + total), prior_weight / (prior_weight + total), total[:, 0]

    def error(self, share: Floats, covariance: Floats, own: float) -> Floats:
        """Expected squared error, shape (customers,)."""
        spread = (share * (self.covariance @ share[:, :, np.newaxis])[:, :, 0]).sum(axis=1)
        return np.asarray(own - 2.0 * (share * covariance).sum(axis=1) + spread)


def _asked(found: list[Series], values: Values) -> list[_Asked]:
    first = min(float(one.days[one.given].min()) for one in found)
    last = max(float(one.days[one.given].max()) for one in found)
    made = []
    for one in found:
        covariance = one.covariance(values)
        for moment in MOMENTS:
            age = first + moment * (last - first) + 1.0 - one.days
            known = one.given & (age > 0)
            for place in range(3):
                close = values.alike + (1.0 - values.alike) * one.about[:, :, place]
                lasting = close * values.along(age, values.lasting, values.lasting_d)
                recent = close * values.along(age, values.recent, values.recent_d)
                weight = one.weight[:, :, place] * known
                made.append(_Asked(np.maximum(age, 0.0), weight, one.kept, covariance, lasting, lasting + recent))
    return made


def faded(found: list[Series], values: Values, model: Model) -> Model:
    """``model`` with the horizons and the noise that follow from ``values``."""
    asked = _asked(found, values)
    relationship, shares = _relationship(asked, values)
    journey = _journey(asked, values, relationship, shares)
    answer = values.felt + values.noise
    interaction = Horizon(answer / values.felt, values.felt, min(model.interaction.residual_variance, values.felt), inf)
    return replace(model, relationship=relationship, journey=journey, interaction=interaction, answer_variance=answer)


def _nearest(half_life_d: float, errors: Callable[[float, float], list[Floats]]) -> tuple[float, float]:
    """Prior weight with the least mean of ``errors``, and the half-life.

    Evidence fades as fast as the level itself: what stays of happenings fades with it (``Model.moved``).
    A faster one would follow answers a little better (.3 % in the simulated operator), and happenings worse.
    """
    tried = [(weight, half_life_d) for weight in _WEIGHTS]
    return min(tried, key=lambda one: float(np.concatenate(errors(*one)).mean()))


def _relationship(asked: list[_Asked], values: Values) -> tuple[Horizon, list[Floats]]:
    def off(*tried: float) -> list[Floats]:
        return [one.error(one.share(*tried)[0], one.lasting, values.lasting) for one in asked]

    best = _nearest(values.lasting_d, off)
    shares = [one.share(*best) for one in asked]
    own, rest = _parts(best[0], np.concatenate([share[2] for share in shares]), np.concatenate(off(*best)))
    horizon = Horizon(best[0], own, rest, float(round(best[1] * DAY_MS)))
    return horizon, [share[0] for share in shares]


def _journey(asked: list[_Asked], values: Values, slower: Horizon, shares: list[Floats]) -> Horizon:
    total = values.lasting + values.recent

    def off(*tried: float) -> list[Floats]:
        both = [_both(one, share, *tried) for one, share in zip(asked, shares, strict=True)]
        return [one.error(share, one.standing, total) for one, share in zip(asked, both, strict=True)]

    best = _nearest(values.recent_d, off)
    known = np.concatenate([one.share(*best)[2] for one in asked])
    w = np.concatenate([one.share(slower.prior_weight, slower.half_life_ms / DAY_MS)[2] for one in asked])
    n = slower.prior_weight
    spread = (n * slower.prior_variance + w * slower.residual_variance) / (n + w)
    left = np.concatenate(off(*best)) - best[0] * spread / (best[0] + known)
    return Horizon(best[0], *_parts(best[0], known, left), float(round(best[1] * DAY_MS)))


def _both(one: _Asked, slower: Floats, weight: float, half_life_d: float) -> Floats:
    share, prior, _ = one.share(weight, half_life_d)
    return prior * slower + share


def _parts(n: float, weight: Floats, errors: Floats) -> tuple[float, float]:
    """τ² and f of v = (n·τ² + W·f)/(n + W), by least squares."""
    columns = np.column_stack([n / (n + weight), weight / (n + weight)])
    own, rest = np.linalg.lstsq(columns, errors, rcond=None)[0].tolist()
    return max(own, 1.0), max(rest, 0.0)
