"""Prior means: one number for all dimensions, or one for each."""

from __future__ import annotations

from schemas.tables import DIMENSIONS

Triple = tuple[float, float, float]
Prior = float | Triple
"""Points; three numbers are (meets_needs, easy, enjoyable)."""


def by_dimension(prior: Prior) -> Triple:
    """The prior of each dimension, points."""
    return prior if isinstance(prior, tuple) else (prior, prior, prior)


def middle(prior: Prior) -> float:
    """Mean over the dimensions, points; one number stays exactly what it is."""
    return sum(prior) / len(DIMENSIONS) if isinstance(prior, tuple) else prior
