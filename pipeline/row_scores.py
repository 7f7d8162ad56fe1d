"""Scores in rows: their interval, how sure they are, and what facts alone would say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Model
from pipeline.perceive import Evidence, Floats, interaction_score
from pipeline.scores import alone
from pipeline.view import View, undecayed
from schemas.tables import DIMENSIONS

Index = NDArray[np.int64]


def sums_of(prefix: str, evidence: Evidence, *, stated: bool) -> dict[str, NDArray[np.float64]]:
    """Columns ``<prefix>_<dimension>_<part>`` of weight, sum and, if ``stated``, the part from answers."""
    parts = {"weight": evidence.weight, "sum": evidence.sum}
    if stated:
        parts["stated"] = evidence.stated
    return {
        f"{prefix}_{dimension}_{part}": values[:, place]
        for part, values in parts.items()
        for place, dimension in enumerate(DIMENSIONS)
    }


def per_dimension(suffix: str, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Columns ``<dimension>_<suffix>`` of ``values`` (n, 3)."""
    return {f"{dimension}_{suffix}": values[:, place] for place, dimension in enumerate(DIMENSIONS)}


def scored(score: Floats, evidence: Evidence, model: Model) -> dict[str, NDArray[Any]]:
    """Columns of scores with their interval and how sure they are."""
    made = alone(score, evidence.weight, evidence.stated, model)
    parts = {"score": made.mean, "low": made.low, "high": made.high, "confidence": made.confidence}
    columns: dict[str, NDArray[Any]] = {}
    for name, values in (parts | {"inferred_share": made.inferred_share}).items():
        columns |= per_dimension(name, values)
    return columns


def rational(now: View, of_chosen: Index, evidence: Evidence, prior: Floats, model: Model) -> Floats:
    """Rational index: the score from observable facts alone, as if nobody had answered, points, shape (n, 3).

    ``of_chosen`` is the row of each fact's observations among the chosen, -1 for none.
    """
    observed = now.observations
    answered = np.flatnonzero(observed.stated & (of_chosen[: len(observed)] >= 0))
    said = observed.take(answered)
    stated = undecayed(replace(said, fact=of_chosen[answered]), len(evidence))
    return interaction_score(evidence - stated, prior, model)
