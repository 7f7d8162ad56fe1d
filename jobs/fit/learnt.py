"""What a fit reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LEAST: Final = 30
"""Answers, customers or interactions below which a value stays as it is."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """One value: what it was, what it is now, and from how much."""

    what: str
    before: float
    after: float
    n: int
    error: float
    """Standard error of ``after``; NaN where it is not one number."""
