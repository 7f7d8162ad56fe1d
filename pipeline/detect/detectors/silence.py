"""No data where there should be some: not "fine", a state of its own.

Under a Poisson count, buckets without a contact have probability ``exp(-Σλ)``: the evidence is ``Σ λ/φ`` over the
empty run, and any contact ends it.
"""

from __future__ import annotations

import numpy as np

from pipeline.detect.baseline import Expected
from pipeline.detect.detectors._base import Detector, Evidence, Seen
from pipeline.detect.series import Flags, Floats, Index


class _Silence(Evidence):
    def steps(self, seen: Seen, expected: Expected) -> tuple[Floats, Flags]:
        """Expected contacts that did not come; minus infinity when one came."""
        step = np.where(seen.contacts > 0, -np.inf, expected.contacts / expected.dispersion)
        return step[None, :, None], expected.contacts_ready[:, None]

    def measure(self, seen: Seen, expected: Expected) -> tuple[Floats, Floats]:
        """Expected contacts, and those of them that did not come."""
        missed = np.where(seen.contacts > 0, 0.0, expected.contacts)
        return expected.contacts[:, None], missed[:, None]

    def likelihood(self, weight: Floats, distance: Floats) -> Floats:
        """Every contact that did not come."""
        return distance

    def back(self, seen: Seen, expected: Expected, size: Floats, line: Index) -> Floats:
        """Any contact is proof."""
        return np.where(seen.contacts > 0, np.inf, 0.0)

    def further(self, seen: Seen, expected: Expected, size: Floats, line: Index) -> Floats:
        """Less than nothing cannot come."""
        return np.zeros(len(line))

    def restored(self, distance: Floats, size: Floats) -> Flags:
        """As soon as something came."""
        return np.ones(len(distance), bool)


def _start(cells: int, dimensions: int) -> Evidence:
    return _Silence(1, cells, 1)


def _worse(seen: Seen) -> Seen:
    return Seen(seen.n * 0, seen.mean, seen.contacts * 0)


DETECTOR = Detector("silence", "no data where some is expected", _start, _worse)
