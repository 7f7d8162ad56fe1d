"""Many more contacts than expected: a Poisson likelihood-ratio CUSUM with dispersion.

For κ of 2 and 4 times the expected count λ ``G = max(0, G + (n·ln κ - (κ-1)·λ)/φ)`` with φ = max(1, variance/mean)
(Lucas 1985, with a quasi-likelihood). It is a state of its own: nothing is said about scores.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from pipeline.detect.baseline import Expected
from pipeline.detect.detectors._base import Detector, Evidence, Seen
from pipeline.detect.policy import KAPPAS
from pipeline.detect.series import Flags, Floats, Index

_KAPPAS: Final = np.array(KAPPAS)[:, None]


class _Surge(Evidence):
    smallest = 1.5

    def steps(self, seen: Seen, expected: Expected) -> tuple[Floats, Flags]:
        """Increments for each multiple; an empty bucket says that there is no surge."""
        ratio = seen.contacts * np.log(_KAPPAS) - (_KAPPAS - 1) * expected.contacts
        return (ratio / expected.dispersion)[:, :, None], expected.contacts_ready[:, None]

    def measure(self, seen: Seen, expected: Expected) -> tuple[Floats, Floats]:
        """Expected contacts and those that came: their ratio is how many times the usual."""
        return expected.contacts[:, None], seen.contacts[:, None]

    def likelihood(self, weight: Floats, distance: Floats) -> Floats:
        """Of Poisson counts."""
        usual, seen = np.maximum(weight, 1e-9), np.maximum(distance, 1e-9)
        return np.where(seen > usual, seen * np.log(seen / usual) - (seen - usual), 0.0)

    def back(self, seen: Seen, expected: Expected, size: Floats, line: Index) -> Floats:
        """The usual count against the least surge that is watched for: three times the usual is not over."""
        size = np.minimum(size, KAPPAS[0])
        return np.asarray(((size - 1) * expected.contacts - seen.contacts * np.log(size)) / expected.dispersion)

    def further(self, seen: Seen, expected: Expected, size: Floats, line: Index) -> Floats:
        """Twice as many as ``size`` times the usual; noise is taken to grow with the level."""
        now = size * expected.contacts
        return np.asarray((seen.contacts * np.log(2.0) - now) / (expected.dispersion * size))

    def restored(self, distance: Floats, size: Floats) -> Flags:
        """Nearer to the usual than to the least surge that is watched for."""
        return np.asarray(distance <= 1 + (np.minimum(size, KAPPAS[0]) - 1) / 2)


def _start(cells: int, dimensions: int) -> Evidence:
    return _Surge(len(KAPPAS), cells, 1)


def _worse(seen: Seen) -> Seen:
    return Seen(seen.n, seen.mean, seen.contacts * 6)


DETECTOR = Detector("surge", "many more contacts than expected", _start, _worse)
