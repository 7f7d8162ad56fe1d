"""A fall of scores or answers: volume-weighted likelihood-ratio CUSUM.

For falls δ of 4, 8 and 16 points ``G = max(0, G + (δ/v)(μ - ȳ - δ/2))``: the log likelihood ratio of normal means
(Page 1954; Lorden 1971). A bucket weighs by its variance v; empty buckets change nothing. Of few customers, none adds
more than their share of the least number that an alert needs: three bad events out of four stay below the threshold.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from pipeline.detect.baseline import Expected
from pipeline.detect.detectors._base import Detector, Evidence, Seen
from pipeline.detect.policy import SHIFTS
from pipeline.detect.series import Flags, Floats, Index

_SHIFTS: Final = np.array(SHIFTS)[:, None, None]


class _Fall(Evidence):
    smallest = SHIFTS[0]
    observations = 30.0
    by_customers = True

    def steps(self, seen: Seen, expected: Expected) -> tuple[Floats, Flags]:
        """Increments for each fall."""
        distance = expected.mean - seen.mean
        return _SHIFTS / expected.variance * (distance - _SHIFTS / 2), seen.n > 0

    def measure(self, seen: Seen, expected: Expected) -> tuple[Floats, Floats]:
        """Scores, and points below the baseline."""
        return seen.n, np.where(seen.n > 0, seen.n * (expected.mean - seen.mean), 0.0)

    def likelihood(self, weight: Floats, distance: Floats) -> Floats:
        """Of normal means."""
        return np.asarray(np.maximum(distance, 0.0) ** 2 / np.maximum(weight, 1e-9))

    def back(self, seen: Seen, expected: Expected, size: Floats, line: Index) -> Floats:
        """No fall against one of ``size``."""
        return self._between(seen, expected, -size, line, size / 2)

    def further(self, seen: Seen, expected: Expected, size: Floats, line: Index) -> Floats:
        """A fall of twice ``size`` against one of ``size``."""
        return self._between(seen, expected, size, line, 1.5 * size)

    @staticmethod
    def _between(seen: Seen, expected: Expected, slope: Floats, line: Index, middle: Floats) -> Floats:
        at = (np.arange(len(line)), line)
        step = slope / expected.variance[at] * (expected.mean[at] - seen.mean[at] - middle)
        return np.where(seen.n[at] > 0, step, 0.0)

    def restored(self, distance: Floats, size: Floats) -> Flags:
        """Within a third of the fall."""
        return np.asarray(distance <= size / 3)


def _start(cells: int, dimensions: int) -> Evidence:
    return _Fall(len(SHIFTS), cells, dimensions)


def _worse(seen: Seen) -> Seen:
    return Seen(seen.n, seen.mean - 25, seen.contacts)


DETECTOR = Detector("drop", "scores or answers fell", _start, _worse)
