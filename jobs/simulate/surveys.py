"""From perception to a survey answer: who replies, and what they tick.

A scale of K levels is ticked by the quantile of a noisy reading of the perception, so that the shares of all answers
come near the ones PERCEPTION.md starts with: cumulative (0, .08, .13, .23, .45, 1) at c/K.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

import numpy as np

from jobs.simulate.world import Triple

MEAN: Final = 70.0
SD: Final = 20.0
NOISE_SD: Final = 12.0
_CUMULATIVE: Final = (0.0, 0.08, 0.13, 0.23, 0.45, 1.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """A question: its lowest and highest tick and how much of each dimension it asks about."""

    name: str
    low: int
    high: int
    weights: Triple

    def cuts(self) -> list[float]:
        """Cumulative share of answers up to each tick but the last."""
        levels = self.high - self.low + 1
        places = np.arange(1, levels) / levels
        cuts: list[float] = np.interp(places, np.linspace(0, 1, len(_CUMULATIVE)), _CUMULATIVE).tolist()
        return cuts


SCALES: Final = {
    scale.name: scale
    for scale in (
        Scale("nps", 0, 10, (0.4, 0.25, 0.5)),
        Scale("csat", 1, 5, (0.5, 0.4, 0.5)),
        Scale("ces", 1, 7, (0.0, 0.9, 0.0)),
        Scale("cxi_meets_needs", 1, 5, (1.0, 0.0, 0.0)),
        Scale("cxi_easy", 1, 5, (0.0, 1.0, 0.0)),
        Scale("cxi_enjoyable", 1, 5, (0.0, 0.0, 1.0)),
        Scale("rating", 1, 5, (0.5, 0.4, 0.5)),
    )
}
CX_INDEX: Final = ("cxi_meets_needs", "cxi_easy", "cxi_enjoyable")
_CUTS: Final = {name: scale.cuts() for name, scale in SCALES.items()}


def blend(scale: Scale, felt: Triple) -> float:
    """The perception that a question is about, points."""
    weights = scale.weights
    return sum(w * p for w, p in zip(weights, felt, strict=True)) / sum(weights)


def tick(rng: random.Random, name: str, felt: Triple) -> int:
    """The answer that somebody with this perception gives today."""
    scale = SCALES[name]
    z = (blend(scale, felt) + rng.gauss(0.0, NOISE_SD) - MEAN) / SD
    quantile = 0.5 * (1.0 + math.erf(z / math.sqrt(2.0)))
    return scale.low + bisect_left(_CUTS[name], quantile)


def replies(rng: random.Random, felt: Triple, eagerness: float) -> bool:
    """Whether an invitation is answered: the angry and the delighted do so more than the rest."""
    distance = abs(sum(felt) / 3.0 - MEAN) / SD
    return rng.random() < eagerness * (0.55 + 0.6 * min(distance, 2.0))
