"""What was known just before each answer: sums of evidence from strictly earlier times, whatever their order."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from jobs.evaluate.reading import Sample
from pipeline import scores
from pipeline.model import Model
from pipeline.predict import answer_moments

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


def sums_before(
    group: Index, at_ms: Index, amounts: Floats, asked: Index, asked_ms: Index, half_life_ms: float
) -> Floats:
    """Decayed sums of ``amounts`` (m, k) of the group ``asked`` from before ``asked_ms`` (n,), shape (n, k).

    One pass per rank within a group: no cumulative sum over groups, whose rounding would leak between them.
    """
    if not len(group):
        return np.zeros((len(asked), amounts.shape[1]))
    order = np.lexsort((at_ms, group))
    group, at_ms, state = group[order], at_ms[order], amounts[order].copy()
    first = np.searchsorted(group, group, "left")
    rank = np.arange(len(group)) - first
    by_rank = np.argsort(rank, kind="stable")
    bounds = np.searchsorted(rank[by_rank], np.arange(1, rank.max() + 2))
    for start, end in pairwise(bounds.tolist()):
        rows = by_rank[start:end]
        state[rows] += state[rows - 1] * np.exp2((at_ms[rows - 1] - at_ms[rows]) / half_life_ms)[:, np.newaxis]
    last = _last_before(group, at_ms, asked, asked_ms)
    decay = np.where(last >= 0, np.exp2((at_ms[last] - asked_ms) / half_life_ms), 0.0)
    return np.asarray(state[last] * decay[:, np.newaxis])


def _last_before(group: Index, at_ms: Index, asked: Index, asked_ms: Index) -> Index:
    """Position of the last row of the group asked for before the time asked for; -1 where there is none."""
    start = min(int(at_ms.min()), int(asked_ms.min()))
    span = max(int(at_ms.max()), int(asked_ms.max())) - start + 1
    place = np.searchsorted(group * span + (at_ms - start), asked * span + (asked_ms - start), "left") - 1
    return np.where((place >= 0) & (group[place] == asked), place, -1)


def moments_before(sample: Sample, model: Model) -> tuple[Floats, Floats, Floats]:
    """Mean and variance of every answer in points just before it came, and the evidence for it, shape (n,) each.

    Evidence are the answers of earlier times, and what interactions whose last other event is earlier tell without
    their answers; of the answer's own interaction also what happened at its very moment, since it is what was asked
    about. What did not happen in such an interaction counts as if it had been closed.
    """
    own = sample.acted_ms[sample.interaction]
    during = ((own > 0) & (own <= sample.at_ms))[:, np.newaxis]
    at_once = during & (own == sample.at_ms)[:, np.newaxis]
    own_implied = np.hstack((sample.implied_weight, sample.implied_sum))[sample.interaction]
    said = np.hstack((sample.weight, sample.weight * _freed(sample)))
    heard = np.hstack((sample.predicted.weight, sample.predicted.sum))
    mean, spread, evidence = _priors(sample, model), np.zeros(1), np.zeros(1)
    for horizon in (model.relationship, model.journey):
        total = _customer_sums(sample, said, horizon.half_life_ms) + at_once * own_implied
        moved = model.moved(horizon) if sample.predicted.stays else 1.0
        total += moved * _heard_before(sample, horizon.half_life_ms)
        mean = scores.mean(total[:, :3], total[:, 3:], mean, horizon)
        spread = scores.variance(total[:, :3], spread, horizon)
        evidence = total[:, :3] if horizon is model.relationship else evidence
    earlier = sums_before(sample.interaction, sample.at_ms, said, sample.interaction, sample.at_ms, np.inf)
    total = earlier + during * own_implied + heard
    mean = scores.mean(total[:, :3], total[:, 3:], mean, model.interaction)
    spread = scores.variance(total[:, :3], spread, model.interaction)
    mean = mean + sample.predicted.shift if sample.predicted.cause else mean
    center, variance = answer_moments(mean, spread, sample.weight, model)
    known = (sample.weight * (evidence + np.zeros_like(mean))).sum(axis=1) / sample.weight.sum(axis=1)
    return center, variance, known


def _freed(sample: Sample) -> Floats:
    """Answers in points, of causes without what they did to it, shape (n, 3)."""
    points = np.repeat(sample.points[:, np.newaxis], 3, axis=1)
    return points - sample.predicted.shift if sample.predicted.cause else points


def _heard_before(sample: Sample, half_life_ms: float) -> Floats:
    """W and S of the predictor before each answer: of its journey so far, and of all earlier ones that have ended."""
    told = sample.predicted
    if not len(told.owner):
        return np.zeros((len(sample), 6))
    ended = np.hstack((told.last_weight, told.last_sum))
    known = told.owner >= 0
    total = sums_before(
        told.owner[known], told.last_ms[known], ended[known], sample.customer, sample.at_ms, half_life_ms
    )
    own, at_ms = told.journey, sample.at_ms
    over = (own >= 0) & (told.last_ms[own] < at_ms)
    total -= np.where(over, np.exp2((told.last_ms[own] - at_ms) / half_life_ms), 0.0)[:, np.newaxis] * ended[own]
    age = np.exp2((told.heard_ms - at_ms) / half_life_ms)[:, np.newaxis]
    return np.asarray(total + age * np.hstack((told.weight, told.sum)))


def _customer_sums(sample: Sample, said: Floats, half_life_ms: float) -> Floats:
    """W and S of the customer before each answer, shape (n, 6)."""
    silent = (sample.acted_ms > 0) & (sample.implied_weight.any(axis=1)) & (sample.owner >= 0)
    implied = np.hstack((sample.implied_weight, sample.implied_sum))[silent]
    return sums_before(
        np.concatenate((sample.customer, sample.owner[silent])),
        np.concatenate((sample.at_ms, sample.acted_ms[silent])),
        np.concatenate((said, implied)),
        sample.customer,
        sample.at_ms,
        half_life_ms,
    )


def _priors(sample: Sample, model: Model) -> Floats:
    return np.array([model.prior_of(name) for name in sample.segments])[sample.segment]
