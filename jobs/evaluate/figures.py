"""The figures of an evaluation, from one column per quantity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pipeline.predict import Forecast

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """One predictor's forecasts of some answers and what came, in one unit; shape (n,) each."""

    observed: Floats
    expected: Floats
    median: Floats
    crps: Floats
    transformed: Floats
    """Randomised PIT."""
    low_chance: Floats
    """P(low)."""
    low: NDArray[np.bool_]
    """Whether the answer was low."""

    @classmethod
    def of(
        cls, observed: Floats, told: Forecast, transformed: Floats, low_chance: Floats, low: NDArray[np.bool_]
    ) -> Judged:
        """From a forecast."""
        return cls(observed, told.expected, told.median, told.crps, transformed, low_chance, low)

    def __len__(self) -> int:
        return len(self.observed)

    def take(self, rows: NDArray[np.bool_]) -> Judged:
        """Some of the answers."""
        return Judged(*(getattr(self, field.name)[rows] for field in fields(self)))

    @staticmethod
    def joined(parts: Sequence[Judged]) -> Judged:
        """Several after each other."""
        return Judged(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Judged)))


@dataclass(frozen=True, slots=True)
class Figures:
    """How good the forecasts were; NaN where it cannot be said."""

    n: int
    rmse: float
    """Of the expected answer."""
    mae: float
    """Of the median."""
    mae_expected: float
    spearman: float
    """Rank correlation of expected and given."""
    auc_low: float
    """Chance that a low answer had a higher P(low) than another one."""
    crps: float
    cov50: float
    """Share of answers within the central half of what was forecast: .5 is right."""
    cov90: float

    @classmethod
    def of(cls, judged: Judged) -> Figures:
        """The figures of some answers."""
        error = judged.expected - judged.observed
        off = np.abs(judged.transformed - 0.5)
        return cls(
            n=len(judged),
            rmse=float(np.sqrt(np.mean(error**2))),
            mae=float(np.mean(np.abs(judged.median - judged.observed))),
            mae_expected=float(np.mean(np.abs(error))),
            spearman=spearman(judged.expected, judged.observed),
            auc_low=auc(judged.low_chance, judged.low),
            crps=float(np.mean(judged.crps)),
            cov50=float(np.mean(off <= 0.25)),
            cov90=float(np.mean(off <= 0.45)),
        )


def ranks(values: Floats) -> Floats:
    """Ranks from 1, ties share their mean, shape (n,)."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2.0)[place])


def spearman(left: Floats, right: Floats) -> float:
    """Rank correlation; NaN if one side does not vary."""
    a, b = ranks(left), ranks(right)
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else float("nan")


def auc(score: Floats, positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve, ties count half; NaN if there is one class only."""
    hits = int(positive.sum())
    misses = len(positive) - hits
    if not hits or not misses:
        return float("nan")
    return float(ranks(score)[positive].sum() - hits * (hits + 1) / 2) / (hits * misses)
