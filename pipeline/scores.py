"""Scores: what the sums of evidence say, how sure that is, and how much of it was stated (PERCEPTION.md).

Means and variances of decayed sums W, S with a prior anchor: a discount filter (West & Harrison, Bayesian Forecasting)
over forward-decayed sums (Cormode et al., ICDE 2009). All functions are element-wise over floats or arrays of a
common shape and do not clip unless they say so. The SQL views hold the same formulas; a test compares both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.model import Horizon, Model

Floats = NDArray[np.float64]
LOWEST, HIGHEST = 0.0, 100.0
"""Ends of the shown scale, score points."""


@dataclass(frozen=True, slots=True)
class Score:
    """A score as shown: points within [0, 100]; never without its interval."""

    mean: Floats
    low: Floats
    high: Floats


def mean(weight: ArrayLike, total: ArrayLike, prior: ArrayLike, horizon: Horizon) -> Floats:
    """Mean m = (n·m_prior + S)/(n + W), score points (PERCEPTION, means).

    ``weight`` W in answers, ``total`` S in answers times points, ``prior`` m_prior in points.
    """
    n = horizon.prior_weight
    return np.asarray((n * _floats(prior) + _floats(total)) / (n + _floats(weight)))


def variance(weight: ArrayLike, prior_variance: ArrayLike, horizon: Horizon) -> Floats:
    """Variance v = (n·(τ² + v_prior) + W·f)/(n + W), square points; f stays however much evidence there is.

    Not σ²/(n + W): truth moves, and the signals of one journey share an error (PERCEPTION, variances).
    """
    n, w = horizon.prior_weight, _floats(weight)
    spread = horizon.prior_variance + _floats(prior_variance)
    return np.asarray((n * spread + w * horizon.residual_variance) / (n + w))


def relationship_mean(weight: ArrayLike, total: ArrayLike, segment_prior: ArrayLike, model: Model) -> Floats:
    """Relationship m_L = (n_L·μ_seg + S_L)/(n_L + W_L), score points."""
    return mean(weight, total, segment_prior, model.relationship)


def relationship_variance(weight: ArrayLike, model: Model) -> Floats:
    """Relationship v_L = (n_L·τ_L² + W_L·f_L)/(n_L + W_L), square points."""
    return variance(weight, 0.0, model.relationship)


def journey_mean(weight: ArrayLike, total: ArrayLike, relationship: ArrayLike, model: Model) -> Floats:
    """Journey m_J = (n_J·m_L + S_J)/(n_J + W_J), score points; ``relationship`` is m_L."""
    return mean(weight, total, relationship, model.journey)


def journey_variance(weight: ArrayLike, relationship: ArrayLike, model: Model) -> Floats:
    """Journey v_J = (n_J·(τ_J² + v_L) + W_J·f_J)/(n_J + W_J), square points; ``relationship`` is v_L."""
    return variance(weight, relationship, model.journey)


def interaction_mean(weight: ArrayLike, total: ArrayLike, journey: ArrayLike, model: Model) -> Floats:
    """Interaction m_I = (n_I·m_J + S_I)/(n_I + W_I), score points, of undecayed sums.

    ``journey`` is m_J *with* this interaction's own evidence in it.
    """
    return mean(weight, total, journey, model.interaction)


def interaction_variance(weight: ArrayLike, journey: ArrayLike, model: Model) -> Floats:
    """Interaction v_I = (n_I·(τ_I² + v_J) + W_I·f_I)/(n_I + W_I), square points; ``journey`` is v_J."""
    return variance(weight, journey, model.interaction)


@dataclass(frozen=True, slots=True)
class Alone:
    """Scores of interactions (or journeys) by themselves, shape (n, 3) each, not clipped."""

    mean: Floats
    low: Floats
    high: Floats
    confidence: Floats
    inferred_share: Floats


def alone(mean: ArrayLike, weight: ArrayLike, stated: ArrayLike, model: Model) -> Alone:
    """Scores with the segment's prior and what belongs to them, from undecayed evidence.

    Around the segment's mean the truth has the variance V of a single interaction's perception, so
    v = (n_I·V + W·f_I)/(n_I + W): the variance of :func:`interaction_variance` without what the customer's journey and
    relationship tell. The interval is m ± 1.645·√v.
    """
    horizon = model.interaction
    spread = variance(weight, model.perception_variance - horizon.prior_variance, horizon)
    half = model.interval_deviations * np.sqrt(spread)
    center = _floats(mean)
    return Alone(center, center - half, center + half, confidence(weight, horizon), inferred_share(weight, stated))


def interval(center: ArrayLike, spread: ArrayLike, model: Model) -> tuple[Floats, Floats]:
    """Low and high end m ± 1.645·√v (90 %), clipped to [0, 100] points; ``spread`` is v."""
    half = model.interval_deviations * np.sqrt(_floats(spread))
    return clip(_floats(center) - half), clip(_floats(center) + half)


def confidence(weight: ArrayLike, horizon: Horizon) -> Floats:
    """W/(n + W) in [0, 1): the share of the score that is this customer's own evidence."""
    w = _floats(weight)
    return np.asarray(w / (horizon.prior_weight + w))


def inferred_share(weight: ArrayLike, stated: ArrayLike) -> Floats:
    """1 - stated/W in [0, 1]: the part of the evidence that is not from answers; 0 where there is none."""
    w, answered = np.broadcast_arrays(_floats(weight), _floats(stated))
    share = 1.0 - np.divide(answered, w, out=np.ones_like(w), where=w > 0)
    return np.asarray(np.clip(share, 0.0, 1.0))


def pyramid_cap(needs: ArrayLike, model: Model) -> Floats:
    """Most points a dimension can show: ``needs`` itself up to 40, then min(100, 40 + 3·(needs - 40)).

    A reporting rule on read (PERCEPTION, Pyramid): sums, evaluation and cells stay uncapped.
    """
    level = clip(needs)
    above = model.pyramid_knee + model.pyramid_slope * (level - model.pyramid_knee)
    return np.asarray(np.where(level <= model.pyramid_knee, level, np.minimum(HIGHEST, above)))


def shown(center: ArrayLike, spread: ArrayLike, model: Model) -> Score:
    """Scores of the dimensions as shown: clipped, with interval, all capped by the pyramid.

    ``center`` m and ``spread`` v have the dimensions last, needs first: shape (..., 3).
    """
    points = _floats(center)
    cap = pyramid_cap(points[..., :1], model)
    low, high = interval(points, spread, model)
    return Score(np.minimum(clip(points), cap), np.minimum(low, cap), np.minimum(high, cap))


def clip(points: ArrayLike) -> Floats:
    """Points within [0, 100]."""
    return np.asarray(np.clip(_floats(points), LOWEST, HIGHEST))


def _floats(values: ArrayLike) -> NDArray[Any]:
    return np.asarray(values, dtype=np.float64)
