"""Policy of detection: grains, windows and start values, as frozen values; the threshold that follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from pipeline.policy import DAY_MS, HOUR_MS

SHIFTS: Final = (4.0, 8.0, 16.0)
"""Falls that the drop detector weighs, score points."""
KAPPAS: Final = (2.0, 4.0)
"""Multiples of the expected contacts that the surge detector weighs."""
CAP_ABOVE: Final = 3.0
"""Evidence is capped this far above the threshold, so that it can also go down again."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How one grain is watched. Counts of buckets unless a unit is named."""

    grain: str
    width_ms: int
    window: int
    """Buckets that a baseline looks back."""
    warm_up: int
    """Age from which a cell is watched."""
    noise: float
    """Start value of the variance between buckets beyond sampling, square points."""
    noise_worth: float
    correlation_worth: float
    slow: int
    """A cell that is expected to need longer for the largest shift is watched through its parents only."""
    cooldown: int
    correlation: float = 0.2
    """Start value of the correlation of neighbouring buckets."""
    warm_up_observations: int = 30
    variance: float = 225.0
    """Start value of the variance of one score, square points; worth ``warm_up_observations``."""
    spread: float = 64.0
    """Variance of cells' true means around their parent's, square points."""
    customers: int = 10
    """Least number of distinct customers since the evidence left zero."""
    recover_observations: int = 30
    recover_buckets: int = 3
    recover_evidence: float = 5.0
    """Log likelihood ratio for being back that resolving needs beside the two counts above."""

    @property
    def day(self) -> int:
        """Buckets of a day."""
        return DAY_MS // self.width_ms

    @property
    def week(self) -> int:
        """Buckets of a week."""
        return 7 * self.day


HOURLY: Final = Watch("hour", HOUR_MS, 28 * 24, 48, 4.0, 100.0, 200.0, 72, 24)
DAILY: Final = Watch("day", DAY_MS, 180, 3, 1.0, 20.0, 40.0, 12, 1)
WATCHES: Final = {watch.grain: watch for watch in (HOURLY, DAILY)}


@dataclass(frozen=True, slots=True)
class Detection:
    """How detection runs over a stream of cells. Durations in milliseconds."""

    settling_ms: int
    """How far behind every watermark a bucket is final for good."""
    grains: tuple[str, ...] = ("hour", "day")
    false_alarm_days: float = 7.0
    """Days per tolerated false alarm of each class of cells."""
    customers: int = HOURLY.customers
    """Least number of distinct customers behind an alert."""
    grace_ms: int = HOUR_MS // 2
    """Event time after its end at which a bucket is judged: most of its interactions have ended by then."""
    idle_ms: int = HOUR_MS // 6
    """Silence of a source partition, in log time, after which nobody waits for its watermark."""
    amend_ms: int = HOUR_MS // 12
    """Log time between two looks at buckets that late data have changed."""

    def watch(self, grain: str) -> Watch:
        """How a grain is watched."""
        return replace(WATCHES[grain], customers=self.customers)

    def kept(self, grain: str) -> int:
        """Buckets to keep: an alert may be open for a window, and before it a window was learnt from."""
        return 2 * WATCHES[grain].window

    def judged_ms(self, grain: str, watermark_ms: int) -> int:
        """Buckets that end up to here are judged."""
        width_ms = WATCHES[grain].width_ms
        return (watermark_ms - self.grace_ms) // width_ms * width_ms


def threshold(cells: int, watch: Watch, false_alarm_days: float, grains: int = 1) -> float:
    """A-priori threshold ``h = ln(3 · cells · buckets per day · days) + ln(grains)`` (union bound over CUSUMs).

    The days per tolerated false alarm are at least 100 buckets.

    >>> round(threshold(3_000, HOURLY, 7), 1), round(threshold(60, HOURLY, 7), 1)
    (14.2, 10.3)
    """
    buckets = max(false_alarm_days * watch.day, 100.0)
    return math.log(len(SHIFTS) * max(cells, 1) * buckets) + math.log(grains)
