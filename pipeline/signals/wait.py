"""Wait against promise: log2 of the time waited over the time promised; raw seconds say nothing without a promise.

Known where ``promised_s`` and ``wait_s`` are given. A case, delivery or installation that is still open past its
promise has waited at least its span: an observation already. Mostly a matter of ease (time is effort), some of
annoyance and of the need met too late. -6 points per doubling, centred, clipped at ±12, R² .05 (PERCEPTION).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from pipeline.signals._base import Facts, Flags, Levels, Signal, Slope, has_type, type_bits
from schemas.event import CASE_STATUSES

_PENDING: Final = type_bits("case", "delivery", "installation")
_SETTLED: Final = tuple(CASE_STATUSES.index(status) for status in ("resolved", "closed"))
_MIN_RATIO: Final = 2.0**-20
"""Stands for "at once": keeps the logarithm finite, far beyond the clip of any effect."""


def applies(facts: Facts) -> Flags:
    """Interactions with a promised time."""
    return np.asarray(facts["promised_s"] > 0)


def observed(facts: Facts) -> Levels:
    """log2(waited / promised); NaN = unknown how long."""
    promised = np.where(facts["promised_s"] > 0, facts["promised_s"], np.nan)
    with np.errstate(over="ignore"):  # of a promise of almost nothing: infinite, and clipped like any long wait
        ratio = _waited_s(facts, promised) / promised
    return np.asarray(np.log2(np.maximum(ratio, _MIN_RATIO)))


def _waited_s(facts: Facts, promised: Levels) -> Levels:
    """Seconds waited as given; else the span so far, where that broke the promise of something pending."""
    waited: Levels = facts["wait_s"]
    span = (facts["end_ms"] - facts["start_ms"]) / 1_000
    pending = has_type(facts, _PENDING) & (facts["resolved"] != 1) & ~np.isin(facts["status"], _SETTLED)
    overdue = np.isnan(waited) & pending & (span > promised)
    return np.where(overdue, span, waited)


SIGNAL: Final = Signal(
    name="wait",
    meaning="time waited against the time promised",
    applies=applies,
    observed=observed,
    start=Slope(0.05, (0.3, 1.0, 0.4), per_unit=-6.0, mean=0.0, limit=12.0),
    about=int(_PENDING),
)
