"""What a signal is: where it applies, what it sees, and the effect it starts with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.event import EVENT_TYPES


class Facts(Protocol):
    """Interaction facts by the fields of ``pipeline.records.PIECE``: a structured array, or some rows of one."""

    def __getitem__(self, field: str, /) -> NDArray[Any]:
        """Values of a field, shape (n,)."""
        ...


Flags = NDArray[np.bool_]
Levels = NDArray[np.float64]
Shares = tuple[float, float, float]
"""How much of a signal's weight each dimension gets, in the order of ``schemas.tables.DIMENSIONS``; each in [0, 1]."""

CONTACT_TYPES: Final = ("call", "chat", "message", "conversation", "store_visit", "case", "complaint")
"""Interactions in which a customer turns to the company with a concern."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Strength of a signal, part of the model: ``explained`` is R², the share of the perception's variance."""

    explained: float
    shares: Shares

    def __post_init__(self) -> None:
        if not 0 < self.explained < 1:
            raise ValueError(f"explained share must be within (0, 1), is {self.explained}")
        if not all(0 <= share <= 1 for share in self.shares) or max(self.shares) <= 0:
            raise ValueError(f"shares must be within [0, 1] and not all 0, are {self.shares}")

    def shift(self, level: Levels) -> Levels:
        """Expected shift b of the interaction's perception at ``level``, score points, shape (n,)."""
        raise NotImplementedError

    def at_once(self, level: Levels) -> Flags:
        """Where the level is final already while the interaction is open, shape (n,)."""
        raise NotImplementedError

    def happened(self, level: Levels) -> Flags:
        """Where the level is something that happened, and not just that something did not, shape (n,)."""
        return np.ones(len(level), np.bool_)


@dataclass(frozen=True, slots=True)
class Outcome(Effect):
    """Effect of something that happened (level 1) or did not (level 0): b(1) and b(0), score points.

    What happened counts at once; that it did not happen is known only when the interaction is closed.

    >>> Outcome(0.055, (0.3, 1.0, 0.4), present=-5.7, absent=2.5).shift(np.array([1.0, 0.0])).tolist()
    [-5.7, 2.5]
    """

    present: float
    absent: float

    @classmethod
    def centred(cls, explained: float, shares: Shares, *, present: float, prevalence: float) -> Outcome:
        """With b(0) such that the mean over all interactions is 0: b(1) = D(1-p), b(0) = -D·p (PERCEPTION)."""
        return cls(explained, shares, present=present, absent=-present * prevalence / (1 - prevalence))

    def shift(self, level: Levels) -> Levels:
        """``present`` where level is 1, ``absent`` where it is 0."""
        return np.where(level > 0, self.present, self.absent)

    def at_once(self, level: Levels) -> Flags:
        """Where it happened."""
        return self.happened(level)

    def happened(self, level: Levels) -> Flags:
        """Where it happened."""
        return level > 0


@dataclass(frozen=True, slots=True)
class Slope(Effect):
    """Effect of a number: ``per_unit``·(level - ``mean``), clipped to ±``limit`` score points.

    A bad value counts at once (it can only get worse), a good one when the interaction is closed.

    >>> Slope(0.05, (0.2, 1.0, 0.4), per_unit=-6.0, mean=0.0, limit=12.0).shift(np.array([1.0, -9.0])).tolist()
    [-6.0, 12.0]
    """

    per_unit: float
    mean: float
    limit: float

    def shift(self, level: Levels) -> Levels:
        """Centred and clipped."""
        return np.clip(self.per_unit * (level - self.mean), -self.limit, self.limit)

    def at_once(self, level: Levels) -> Flags:
        """Where the shift is a loss."""
        return self.shift(level) < 0


@dataclass(frozen=True, slots=True)
class Signal:
    """One implicit signal; both functions are vectorised over facts and look at nothing else."""

    name: str
    meaning: str
    """What it says, in words for a screen that explains a score."""
    applies: Callable[[Facts], Flags]
    """Where both outcomes are possible, shape (n,)."""
    observed: Callable[[Facts], Levels]
    """Level as the effect takes it, shape (n,); NaN = unknown, which is no observation."""
    start: Effect
    """Effect before any fit; a model that names the signal carries its own."""
    about: int = 0
    """Types of events, as :func:`type_bits`: an interaction that ends with one of them ends with this."""
    always: bool = False
    """Whether level 0 is something that happened too, and not just the absence of level 1."""


def type_bits(*types: str) -> np.uint32:
    """Bits of event types in the ``types`` column of a fact."""
    return np.uint32(sum(1 << EVENT_TYPES.index(name) for name in types))


def has_type(facts: Facts, bits: np.uint32) -> Flags:
    """Facts with an event of one of the types in ``bits``, shape (n,)."""
    return np.asarray((facts["types"] & bits) != 0)


def has_flag(facts: Facts, flag: int) -> Flags:
    """Facts with a ``pipeline.records.FLAG_*``, shape (n,)."""
    return np.asarray((facts["flags"] & np.uint32(flag)) != 0)


def as_level(happened: Flags, known: Flags | None = None) -> Levels:
    """1 where it happened, 0 where not, NaN where not ``known``."""
    level = happened.astype(np.float64)
    return level if known is None else np.where(known, level, np.nan)
