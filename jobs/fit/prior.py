"""Priors: the mean of all customers, and of each segment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from jobs.fit.learnt import LEAST, Learnt
from pipeline.model import Model
from pipeline.priors import middle

Floats = NDArray[np.float64]


def priors(
    names: NDArray[np.object_],
    segment: NDArray[np.object_],
    points: Floats,
    model: Model,
    learnt: list[Learnt],
    kept: list[str],
) -> Model:
    """Means of the customers' mean answers, shrunk: of all to the start, of segments to that of all.

    ``names``, ``segment`` and ``points`` are of each answer.
    """
    _, first, customer = np.unique(names, return_index=True, return_inverse=True)
    if len(first) < LEAST:
        kept.append(f"priors: {len(first)} customers with answers, {LEAST} are needed")
        return model
    own_mean = np.bincount(customer, points) / np.bincount(customer)
    pseudo = model.relationship.prior_weight  # n/(n + σ²/τ²): customers, not answers
    overall = float((own_mean.sum() + pseudo * middle(model.prior_mean)) / (len(first) + pseudo))
    error = float(own_mean.std(ddof=1)) / (len(first) + pseudo) ** 0.5
    learnt.append(Learnt("prior mean", middle(model.prior_mean), overall, len(first), error))
    segments = _segments(segment[first], own_mean, overall, model, learnt, kept)
    return replace(model, prior_mean=overall, segments=segments)


def _segments(
    segment: NDArray[np.object_], mean: Floats, overall: float, model: Model, learnt: list[Learnt], kept: list[str]
) -> dict[str, float]:
    """μ_seg: mean, shrunk by n/(n + σ²/τ²) with the variances of a one-way analysis of variance."""
    names, place, count = np.unique(segment, return_inverse=True, return_counts=True)
    means = np.bincount(place, mean) / count
    within = float(((mean - means[place]) ** 2).sum() / max(len(mean) - len(names), 1))
    total = len(mean) - float((count**2).sum()) / len(mean)
    between = float((count * (means - mean.mean()) ** 2).sum()) - (len(names) - 1) * within
    between = max(between / total, 0.0) if total > 0 else 0.0
    if between == 0.0:
        kept.append("priors of segments: the segments do not differ by more than chance")
        return {}
    found: dict[str, float] = {}
    for name, n, own in zip(names.tolist(), count.tolist(), means.tolist(), strict=True):
        if name:
            found[name] = float(np.clip(overall + (own - overall) * n / (n + within / between), 0.0, 100.0))
            error = (within / (n + within / between)) ** 0.5
            before = middle(model.segments.get(name, model.prior_mean))
            learnt.append(Learnt(f"prior of {name}", before, found[name], n, error))
    return found
