"""The true perception: two mean-reverting levels per customer and dimension, moved by what happens.

Relationship level L: Ornstein-Uhlenbeck around the segment's mean, half-life 180 d; recent level J: half-life 14 d,
so that a customer stands at L + J now. An interaction is felt as L + J + what happened + chance, and a part of what
happened stays: ``STAYS`` of it in J, ``LASTS`` in L. Variances follow PERCEPTION.md (130, 64, 64 and 144 for the
noise of an answer), with room for what events add.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from jobs.simulate.world import Triple

LASTING_SD: Final = 11.0
RECENT_SD: Final = 6.5
FELT_SD: Final = 6.5
STAYS: Final = 0.34
LASTS: Final = 0.06
LASTING_HALF_LIFE_D: Final = 180.0
RECENT_HALF_LIFE_D: Final = 14.0
MIXING: Final = np.array([[1.0, 0.6, 0.55], [0.6, 1.0, 0.6], [0.55, 0.6, 1.0]])
"""Correlation of the dimensions: they go together."""
_ROOT: Final = np.linalg.cholesky(MIXING)

Levels = list[list[float]]


class TruthLog(Protocol):
    """Who wants to know the truth."""

    def day(self, at_ms: int, customers: Sequence[str], relationship: Levels, recent: Levels) -> None:
        """Level of every customer at the start of a day: L, and L + J."""

    def interaction(
        self, at_ms: int, customer: str, event_id: str, interaction_id: str, felt: Triple, shift: Triple
    ) -> None:
        """What one interaction was felt as, and by how much it moved the feeling; ``event_id`` is its first event."""


class Nobody:
    """Keeps no truth."""

    def day(self, at_ms: int, customers: Sequence[str], relationship: Levels, recent: Levels) -> None:
        """Forget."""

    def interaction(
        self, at_ms: int, customer: str, event_id: str, interaction_id: str, felt: Triple, shift: Triple
    ) -> None:
        """Forget."""


@dataclass(slots=True)
class Level:
    """One mean-reverting level of all customers: ``values`` [customers][3] around 0."""

    values: Levels
    sd: float
    half_life_d: float

    def step(self, noise: NDArray[np.float64], days: float) -> None:
        """One exact step of the process; ``noise`` is standard normal, shape (customers, 3)."""
        keep = 2.0 ** (-days / self.half_life_d)
        spread = self.sd * math.sqrt(1.0 - keep * keep)
        self.values = (np.asarray(self.values) * keep + spread * (noise @ _ROOT.T)).tolist()

    def add(self, index: int, shift: Triple, factor: float) -> None:
        """Move one customer by ``factor * shift`` points."""
        row = self.values[index]
        row[0] += factor * shift[0]
        row[1] += factor * shift[1]
        row[2] += factor * shift[2]


class Truth:
    """The latent perception of all customers."""

    def __init__(self, means: NDArray[np.float64], rng: np.random.Generator) -> None:
        """``means``: long-run mean per customer, shape (customers, 3)."""
        self._means = means
        self._base: Levels = means.tolist()
        self._rng = rng
        self._lasting = self._stationary(LASTING_SD, LASTING_HALF_LIFE_D)
        self._recent = self._stationary(RECENT_SD, RECENT_HALF_LIFE_D)

    def _stationary(self, sd: float, half_life_d: float) -> Level:
        return Level((sd * (self._noise() @ _ROOT.T)).tolist(), sd, half_life_d)

    def _noise(self) -> NDArray[np.float64]:
        return self._rng.standard_normal(self._means.shape)

    def new_day(self) -> None:
        """Let a day go by."""
        self._lasting.step(self._noise(), 1.0)
        self._recent.step(self._noise(), 1.0)

    def relationship(self) -> Levels:
        """L of every customer, points."""
        levels: Levels = (self._means + np.asarray(self._lasting.values)).tolist()
        return levels

    def standing(self) -> Levels:
        """L + J of every customer, points."""
        recent = np.asarray(self._lasting.values) + np.asarray(self._recent.values)
        levels: Levels = (self._means + recent).tolist()
        return levels

    def now(self, index: int) -> Triple:
        """L + J of one customer."""
        base, lasting, recent = self._base[index], self._lasting.values[index], self._recent.values[index]
        return (
            base[0] + lasting[0] + recent[0],
            base[1] + lasting[1] + recent[1],
            base[2] + lasting[2] + recent[2],
        )

    def happened(self, index: int, shift: Triple) -> None:
        """What stays of an interaction whose events moved perception by ``shift``."""
        self._recent.add(index, shift, STAYS)
        self._lasting.add(index, shift, LASTS)
