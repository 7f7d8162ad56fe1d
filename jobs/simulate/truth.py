"""The true perception: two mean-reverting levels per customer and dimension, moved by what happens.

Relationship level L: Ornstein-Uhlenbeck around the segment's mean, half-life 180 d; recent level J: half-life 14 d,
so that a customer stands at L + J now. An interaction is felt as L + J + what happened + chance, and a part of what
happened stays: ``stays`` of it in J, ``lasts`` in L (:class:`Dynamics`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from jobs.simulate.world import Triple

FELT_SD: Final = 6.5
"""Chance of one interaction, points: with what happens the 64 square points of PERCEPTION.md."""
HAPPENING: Final = 5.3
"""Square points of shifts that a customer of this operator meets on a day, mean of the dimensions (measured)."""


@dataclass(frozen=True, slots=True)
class Dynamics:
    """How perception moves. Totals follow PERCEPTION.md; what happenings do not explain of them moves by itself.

    That an experience adjusts a lasting anchor is well founded (Bolton, Marketing Science 1998: cumulative satisfaction
    of cellular customers; Bolton and Drew, Journal of Marketing 1991); by how much is not settled. The shares that stay
    are assumptions: two fifths together, one half of it for long.
    """

    lasts: float = 0.2
    """Share of what happened that stays in the relationship: the one value that says how much recorded happenings
    explain of it (:meth:`explained`: .21 of its variance; .02 at .06, .48 at .3)."""
    stays: float = 0.2
    """Share that stays in the recent level."""
    lasting_variance: float = 130.0
    """Of the relationship, square points."""
    recent_variance: float = 64.0
    """Of the recent level, square points."""
    lasting_half_life_d: float = 180.0
    recent_half_life_d: float = 14.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.lasts + self.stays <= 1.0 or max(self.explained) >= 1.0:
            raise ValueError(f"happenings cannot explain more than there is: {self}")

    @property
    def explained(self) -> tuple[float, float]:
        """Share of the variance of the relationship and of the recent level that happenings explain in the long run.

        Campbell's theorem: shifts of variance q a day that fade with half-life H add q·H/(2·ln 2).
        """
        lasting = self.lasts**2 * HAPPENING * self.lasting_half_life_d / (2.0 * math.log(2.0))
        recent = self.stays**2 * HAPPENING * self.recent_half_life_d / (2.0 * math.log(2.0))
        return lasting / self.lasting_variance, recent / self.recent_variance

    @property
    def lasting_sd(self) -> float:
        """Standard deviation of the relationship's own process, points."""
        return math.sqrt(self.lasting_variance * (1.0 - self.explained[0]))

    @property
    def recent_sd(self) -> float:
        """Standard deviation of the recent level's own process, points."""
        return math.sqrt(self.recent_variance * (1.0 - self.explained[1]))


DYNAMICS: Final = Dynamics()
"""Those of the simulator."""
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

    def __init__(self, means: NDArray[np.float64], rng: np.random.Generator, dynamics: Dynamics) -> None:
        """``means``: long-run mean per customer, shape (customers, 3)."""
        self._dynamics = dynamics
        self._means = means
        self._base: Levels = means.tolist()
        self._rng = rng
        self._lasting = self._stationary(dynamics.lasting_sd, dynamics.lasting_half_life_d)
        self._recent = self._stationary(dynamics.recent_sd, dynamics.recent_half_life_d)

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
        self._recent.add(index, shift, self._dynamics.stays)
        self._lasting.add(index, shift, self._dynamics.lasts)
