"""Back to the answer: the distribution of an explicit answer over the categories of its scale (PERCEPTION.md).

P(c) is the mass of N(Σa_d·m_d/Σa_d, v + σ² - τ_I²) between the category's edges in score points.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.model import Model

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
_ERF = np.vectorize(erf, otypes=[np.float64])


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a distribution over categories says, in one unit; shape (n,) each."""

    expected: Floats
    """Σ c·P(c)."""
    median: Floats
    """The lowest category with at least half of the mass at or below it."""
    crps: Floats
    """Continuous ranked probability score ∫(F - 1[observed ≤ x])²dx; an absolute error that knows uncertainty."""


def answer_moments(mean: ArrayLike, variance: ArrayLike, weights: ArrayLike, model: Model) -> tuple[Floats, Floats]:
    """Mean and variance of answers in score points before they become categories, shape (n,) each.

    ``mean`` m_I and ``variance`` v_I per dimension, shape (n, 3); ``weights`` a_d of the answers' scales, shape (n, 3).
    The dimensions' errors are taken as one: their variances are averaged like their means.
    """
    share = np.asarray(weights, dtype=np.float64)
    share = share / share.sum(axis=1, keepdims=True)
    noise = model.answer_variance - model.interaction.prior_variance
    return (share * np.asarray(mean)).sum(axis=1), (share * np.asarray(variance)).sum(axis=1) + noise


def category_masses(mean: Floats, variance: Floats, edges: Floats) -> Floats:
    """Mass of N(mean, variance) between ``edges`` (levels + 1,), shape (n, levels)."""
    standard = (edges[np.newaxis, :] - mean[:, np.newaxis]) / np.sqrt(variance)[:, np.newaxis]
    return np.diff(0.5 * (1.0 + _ERF(standard / sqrt(2.0))), axis=1)


def forecast(masses: Floats, values: Floats, observed: Indices) -> Forecast:
    """Summaries of ``masses`` (n, levels) with the categories' ``values`` (n, levels) ascending in some unit.

    ``observed`` is the index of the category that was answered.
    """
    below = np.cumsum(masses, axis=1)[:, :-1]
    rows = np.arange(len(masses))
    median = values[rows, (below < 0.5).sum(axis=1)]
    reached = observed[:, np.newaxis] <= np.arange(masses.shape[1] - 1)
    crps = ((below - reached) ** 2 * np.diff(values, axis=1)).sum(axis=1)
    return Forecast((masses * values).sum(axis=1), median, crps)


def transform(masses: Floats, observed: Indices, draw: Floats) -> Floats:
    """Randomised probability integral transform F(c-1) + u·P(c), shape (n,): uniform if the masses are right.

    ``draw`` u is uniform on [0, 1), shape (n,). (Czado, Gneiting and Held, Biometrics 2009.)
    """
    rows = np.arange(len(masses))
    mass = masses[rows, observed]
    return np.asarray(np.cumsum(masses, axis=1)[rows, observed] - mass + draw * mass)
