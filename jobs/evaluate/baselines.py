"""What simple rules would have said just before each answer; all look at strictly earlier times, or other folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from jobs.evaluate.before import sums_before
from jobs.evaluate.reading import Sample
from pipeline.model import Model
from pipeline.priors import middle

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

EWMA_STEP: Final = 0.3
"""How far each answer moves the exponentially weighted mean."""
CUSTOMER: Final = ("last_answer", "running_mean", "ewma")
"""Baselines of the customer's own answers, in points."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and variance in score points, shape (n,) each."""

    mean: Floats
    variance: Floats


def folds_of(sample: Sample, folds: int | None) -> Index | None:
    """Fold of each answer, by its customer's id: the same on every machine. None without folds."""
    if folds is None:
        return None
    of_customer = np.array([crc32(str(name).encode()) % folds for name in sample.names], dtype=np.int64)
    return np.asarray(of_customer[sample.customer])


def counts_before(group: Index, at_ms: Index, amounts: Floats, fold: Index | None) -> Floats:
    """Sums of ``amounts`` (n, k) over the row's group: of earlier times, or with folds of all other folds."""
    if fold is None:
        return sums_before(group, at_ms, amounts, group, at_ms, np.inf)
    total = np.zeros((group.max() + 1, amounts.shape[1]))
    np.add.at(total, group, amounts)
    own = np.zeros((group.max() + 1, fold.max() + 1, amounts.shape[1]))
    np.add.at(own, (group, fold), amounts)
    return np.asarray(total[group] - own[group, fold])


def shares_before(
    category: Index, at_ms: Index, segment: Index | None, start: Floats, fold: Index | None, pseudo: float
) -> Floats:
    """Shares of the categories of one scale so far, shape (n, levels); by segment, shrunk to those of all."""
    everybody = np.zeros(len(category), dtype=np.int64)
    single = np.eye(len(start))[category]
    seen = counts_before(everybody, at_ms, single, fold)
    shares = (seen + pseudo * start) / (seen.sum(axis=1, keepdims=True) + pseudo)
    if segment is None:
        return np.asarray(shares)
    seen = counts_before(segment, at_ms, single, fold)
    return np.asarray((seen + pseudo * shares) / (seen.sum(axis=1, keepdims=True) + pseudo))


def customer_baselines(sample: Sample, model: Model, fold: Index | None) -> Mapping[str, Moments]:
    """Baselines of the customer's own earlier answers; before the first one, the mean of the segment."""
    rule = model.answers
    one = np.ones(len(sample))
    amounts = np.column_stack((one, sample.points))
    seen = counts_before(np.zeros_like(sample.customer), sample.at_ms, amounts, fold)
    overall = (seen[:, 1] + rule.pseudo_answers * middle(model.prior_mean)) / (seen[:, 0] + rule.pseudo_answers)
    seen = counts_before(sample.segment, sample.at_ms, amounts, fold)
    start = (seen[:, 1] + rule.pseudo_answers * overall) / (seen[:, 0] + rule.pseudo_answers)
    own = sums_before(sample.customer, sample.at_ms, amounts, sample.customer, sample.at_ms, np.inf)
    running = np.where(own[:, 0] > 0, own[:, 1] / np.maximum(own[:, 0], 1.0), start)
    last, ewma = _walks(sample, start)
    means = dict(zip(CUSTOMER, (last, running, ewma), strict=True))
    return {name: Moments(mean, _spread(mean, sample, model, fold)) for name, mean in means.items()}


def _spread(mean: Floats, sample: Sample, model: Model, fold: Index | None) -> Floats:
    """Mean squared error of the baseline so far, from the variance of answers on."""
    amounts = np.column_stack((np.ones(len(mean)), (sample.points - mean) ** 2))
    seen = counts_before(np.zeros_like(sample.customer), sample.at_ms, amounts, fold)
    pseudo = model.answers.pseudo_answers
    return np.asarray((seen[:, 1] + pseudo * model.answers.spread**2) / (seen[:, 0] + pseudo))


def _walks(sample: Sample, start: Floats) -> tuple[Floats, Floats]:
    """The customer's last answer and weighted mean before each answer; answers of one time enter together."""
    last, ewma = start.copy(), start.copy()
    moment = np.unique(np.column_stack((sample.customer, sample.at_ms)), axis=0, return_inverse=True)[1].ravel()
    count = np.bincount(moment)
    mean = np.bincount(moment, sample.points) / count
    customer = sample.customer[np.unique(moment, return_index=True)[1]]
    rank = np.arange(len(customer)) - np.searchsorted(customer, customer, "left")
    before_last, before_ewma, level = np.full(len(mean), np.nan), np.full(len(mean), np.nan), mean.copy()
    for step in range(1, int(rank.max()) + 1):
        rows = np.flatnonzero(rank == step)
        before_last[rows], before_ewma[rows] = mean[rows - 1], level[rows - 1]
        level[rows] = level[rows - 1] + EWMA_STEP * (mean[rows] - level[rows - 1])
    known = ~np.isnan(before_last[moment])
    last[known], ewma[known] = before_last[moment][known], before_ewma[moment][known]
    return last, ewma
