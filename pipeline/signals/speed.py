"""Speed of resolution: log2 of the time that it took over the time promised, once it is done.

Known for cases, complaints, deliveries and installations that were resolved (or closed) with a promise and that do not
say how long the customer waited: ``wait`` takes those, and the ones that are still open. The time is the duration
given, else the span from first to last event. Mostly a matter of ease, and of a need met too late. -6 points per
doubling, centred, clipped at ±12, R² .05, as of the wait in PERCEPTION.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from pipeline.signals._base import Facts, Flags, Levels, Signal, Slope, has_type, type_bits
from schemas.event import CASE_STATUSES

_PENDING: Final = type_bits("case", "complaint", "delivery", "installation")
_SETTLED: Final = tuple(CASE_STATUSES.index(status) for status in ("resolved", "closed"))
_MIN_RATIO: Final = 2.0**-20
"""Stands for "at once": keeps the logarithm finite, far beyond the clip of any effect."""


def applies(facts: Facts) -> Flags:
    """What takes its time and was promised, and is done."""
    done = (facts["resolved"] == 1) | np.isin(facts["status"], _SETTLED)
    return np.asarray(has_type(facts, _PENDING) & (facts["promised_s"] > 0) & np.isnan(facts["wait_s"]) & done)


def observed(facts: Facts) -> Levels:
    """log2(taken / promised)."""
    promised = np.where(facts["promised_s"] > 0, facts["promised_s"], np.nan)
    span = (facts["end_ms"] - facts["start_ms"]) / 1_000
    took = np.where(np.isnan(facts["duration_s"]), span, facts["duration_s"])
    return np.asarray(np.log2(np.maximum(took / promised, _MIN_RATIO)))


SIGNAL: Final = Signal(
    name="speed",
    meaning="time to resolve against the time promised",
    applies=applies,
    observed=observed,
    start=Slope(0.05, (0.6, 1.0, 0.4), per_unit=-6.0, mean=0.0, limit=12.0),
    about=int(_PENDING),
)
