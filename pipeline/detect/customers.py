"""A customer's fall below what is usual for that customer: evidence gathered over closed interactions (ALERTS.md).

Before an interaction the customer's relationship has mean m_L⁻ and variance v_L; the interaction's own evidence has
weight w and mean ȳ. ``v = v_L + τ_J² + σ²/w`` and ``G = max(0, G·2^(-Δ/30 d) + (25/v)·(m_L⁻ - ȳ - 12.5))``: the log
likelihood ratio of a fall by 25 points, that fades. A function of the set of interactions, in order of their start;
what is final is folded into the :class:`Past`. An alert is the rise of G above 2.4 on a dimension from below it on all:
one for a bad time, however long it lasts. G is at most 2.4 + 3, as that of a cell, so that good ones bring it down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Model
from pipeline.policy import DAY_MS

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

FALL: Final = 25.0
"""Points that the evidence is for, against none."""
THRESHOLD: Final = 2.4
FADE_MS: Final = 30 * DAY_MS
"""Evidence halves in this time."""
_MOST: Final = THRESHOLD + 3.0


@dataclass(frozen=True, slots=True)
class Interactions:
    """Closed interactions by (customer, start); ``customer`` (n,) indexes the :class:`Past`."""

    customer: Index
    start_ms: Index
    weight: Floats
    """W of its evidence, (n, 3)."""
    total: Floats
    """S of its evidence, (n, 3)."""
    prior: Floats
    """μ of its segment, (n, 3)."""

    def take(self, rows: NDArray[Any]) -> Interactions:
        """Some of them, in that order."""
        return Interactions(
            self.customer[rows], self.start_ms[rows], self.weight[rows], self.total[rows], self.prior[rows]
        )

    def of(self, chosen: NDArray[np.bool_]) -> Interactions:
        """Those of the customers ``chosen`` (k,), which are numbered anew in their order."""
        found = self.take(np.flatnonzero(chosen[self.customer]))
        place = np.cumsum(chosen) - 1
        return Interactions(place[found.customer], found.start_ms, found.weight, found.total, found.prior)


@dataclass(frozen=True, slots=True)
class Past:
    """Customers before: decayed sums of evidence at ``at_ms`` (k,), and the level G there, (k, 3) each."""

    at_ms: Index
    weight: Floats
    total: Floats
    level: Floats

    def take(self, rows: NDArray[Any]) -> Past:
        """Some customers, in that order, in memory of their own."""
        return Past(self.at_ms[rows], self.weight[rows], self.total[rows], self.level[rows])

    def copy(self) -> Past:
        """The same in memory of its own."""
        return Past(self.at_ms.copy(), self.weight.copy(), self.total.copy(), self.level.copy())


@dataclass(frozen=True, slots=True)
class Levels:
    """Per interaction (n, 3): G after it and, faded, before it, and the customer's usual mean before it."""

    level: Floats
    before: Floats
    usual: Floats

    @property
    def rises(self) -> NDArray[np.bool_]:
        """Interactions (n,) that raise an alert."""
        return np.asarray((self.level >= THRESHOLD).any(axis=1) & (self.before < THRESHOLD).all(axis=1))


def rise_at_most(given: Interactions, past: Past, model: Model) -> Floats:
    """Bound of the level that each customer can reach, (k, 3), found without an order: of most it is 0.

    The usual mean is above the prior by at most ``Σ(S - μW)⁺/n_L``, and a variance is at least its least terms.
    """
    relationship, count = model.relationship, len(past.at_ms)
    if not len(given.prior):
        return past.level
    prior = given.prior
    spread = np.ptp(prior, axis=0)
    surplus = np.maximum(given.total - prior * given.weight, 0.0)
    highest = prior.max(axis=0)
    before = np.maximum(past.total - (highest - spread) * past.weight, 0.0)
    usual = (_sums(given.customer, surplus, count) + before) / relationship.prior_weight + spread
    least = min(relationship.prior_variance, relationship.residual_variance) + model.journey.prior_variance
    distance = (usual[given.customer] + prior - FALL / 2) * given.weight - given.total
    step = np.maximum(FALL * distance / (least * given.weight + model.answer_variance), 0.0)
    return np.asarray(past.level + _sums(given.customer, step, count))


def _sums(customer: Index, values: Floats, count: int) -> Floats:
    """Sums of ``values`` (n, 3) per customer, (count, 3)."""
    return np.stack([np.bincount(customer, column, count) for column in values.T], axis=1)


def watch(given: Interactions, past: Past, final: NDArray[np.bool_], model: Model) -> tuple[Levels, Past]:
    """Levels of all interactions, and the customers after those that are ``final`` (n,): the first of each."""
    count = np.bincount(given.customer, minlength=len(past.at_ms))
    begin = np.cumsum(count) - count
    now, kept = past.copy(), past.copy()
    levels = Levels(*(np.zeros_like(given.total) for _ in range(3)))
    for rank in range(int(count.max(initial=0))):
        who = np.flatnonzero(count > rank)
        at = begin[who] + rank
        levels.before[at], levels.usual[at], levels.level[at] = _after(given, at, now, who, model)
        done = final[at]
        for target, source in ((kept.at_ms, now.at_ms), (kept.weight, now.weight), (kept.total, now.total)):
            target[who[done]] = source[who[done]]
        kept.level[who[done]] = now.level[who[done]]
    return levels, kept


def _after(given: Interactions, at: Index, now: Past, who: Index, model: Model) -> tuple[Floats, Floats, Floats]:
    """Take one interaction of each customer ``who``, in place; level and usual mean before, and the level after it."""
    age = (given.start_ms[at] - now.at_ms[who])[:, np.newaxis]
    decay = np.exp2(-age / model.relationship.half_life_ms)
    weight, total = now.weight[who] * decay, now.total[who] * decay
    anchor = model.relationship.prior_weight
    usual = (anchor * given.prior[at] + total) / (anchor + weight)
    w = given.weight[at]
    says = w > 0
    own = np.where(says, w, 1.0)
    variance = _relationship_variance(weight, model) + model.journey.prior_variance + model.answer_variance / own
    step = FALL / variance * (usual - given.total[at] / own - FALL / 2)
    faded = now.level[who] * np.exp2(-age / FADE_MS)
    level = np.clip(faded + np.where(says, step, 0.0), 0.0, _MOST)
    now.at_ms[who] = given.start_ms[at]
    now.weight[who], now.total[who], now.level[who] = weight + w, total + given.total[at], level
    return faded, usual, level


def _relationship_variance(weight: Floats, model: Model) -> Floats:
    horizon = model.relationship
    anchor = horizon.prior_weight
    return (anchor * horizon.prior_variance + weight * horizon.residual_variance) / (anchor + weight)


def fold(given: Interactions, past: Past, model: Model) -> Past:
    """The customers after interactions none of which raises a level: sums only, in any order."""
    latest = past.at_ms.copy()
    np.maximum.at(latest, given.customer, given.start_ms)
    half_life = model.relationship.half_life_ms
    moved = np.exp2(-(latest - past.at_ms) / half_life)[:, np.newaxis]
    factor = np.exp2(-(latest[given.customer] - given.start_ms) / half_life)[:, np.newaxis]
    weight, total = (_sums(given.customer, part * factor, len(latest)) for part in (given.weight, given.total))
    return Past(latest, past.weight * moved + weight, past.total * moved + total, np.zeros_like(past.level))
