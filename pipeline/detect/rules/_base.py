"""What a rule is: a name, a meaning, and which interactions it holds for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.strings import Strings
from schemas.event import SCALES

Records = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """Interactions of some customers, as they were inside the window of their start; only ``fresh`` ones are judged."""

    facts: Records
    """dtype PIECE, (n,)."""
    fresh: NDArray[np.bool_]
    """Which were not final at the last look, (n,)."""
    closed: NDArray[np.bool_]
    """Which of the fresh ones cannot grow any more, (n,)."""
    answers: Records
    """Of the fresh ones: dtype NOTE, ``owner`` indexes ``facts``."""
    marks: Records
    """Failures and recoveries (dtype MARK) of the same customers."""
    followed_ms: int
    """How long a failure is followed."""
    strings: Strings


@dataclass(frozen=True, slots=True)
class Found:
    """Where a rule holds: indices of facts, the value that decided and its limit, (m,) each."""

    fact: NDArray[np.int64]
    observed: NDArray[np.float64]
    threshold: NDArray[np.float64]

    @classmethod
    def at(cls, fact: NDArray[np.int64], observed: Any, threshold: float) -> Found:
        """The same limit everywhere."""
        values = np.broadcast_to(np.asarray(observed, np.float64), fact.shape)
        return cls(fact, values, np.full(len(fact), threshold))


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; ``find`` is a function of what is seen."""

    name: str
    meaning: str
    find: Callable[[Seen], Found]


def low_answers(seen: Seen, scale: str, limit: float) -> Found:
    """Interactions whose lowest answer on a scale, given on its usual range, is at most ``limit``."""
    code, usual = seen.strings.get(scale), SCALES[scale]
    if code is None or usual is None:
        return Found.at(np.zeros(0, np.int64), 0.0, limit)
    answers = seen.answers
    ends = [(answers[name], end) for name, end in zip(("low", "high"), usual, strict=True)]
    ordinary = np.logical_and.reduce([np.isnan(given) | (given == end) for given, end in ends])
    low = answers[(answers["name"] == code) & ordinary & (answers["value"] <= limit)]
    fact, place = np.unique(low["owner"].astype(np.int64), return_inverse=True)
    worst = np.full(len(fact), np.inf)
    np.minimum.at(worst, place, low["value"])
    return Found.at(fact, worst, limit)
