"""What a detector is: a name, a meaning, and evidence that it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.detect.baseline import Expected
from pipeline.detect.series import Flags, Floats, Index


@dataclass(frozen=True, slots=True)
class Seen:
    """One bucket as it came: ``n`` and ``mean`` (c, d), ``contacts`` and distinct ``customers`` (c,), if counted."""

    n: Floats
    mean: Floats
    contacts: Floats
    customers: Floats | None = None


class Evidence:
    """CUSUMs of some alternatives ``a`` per cell and line: ``level`` (a, c, d), log likelihood ratios from 0 up.

    ``left`` is the bucket in which each left 0 the last time; a bucket that says nothing changes nothing.
    """

    smallest = 0.0
    """Least size of an alert."""
    observations = 0.0
    """Least observations that resolving needs."""
    by_customers = False
    """Whether the evidence of a bucket is limited by how many customers are behind it."""

    def __init__(self, alternatives: int, cells: int, lines: int) -> None:
        self.level = np.zeros((alternatives, cells, lines))
        self.left = np.zeros((alternatives, cells, lines), np.int64)

    def steps(self, seen: Seen, expected: Expected) -> tuple[Floats, Flags]:
        """Increments (a, c, d) of a bucket, and where (c, d) it says something."""
        raise NotImplementedError

    def measure(self, seen: Seen, expected: Expected) -> tuple[Floats, Floats]:
        """Per cell and line (c, l): observations and their summed distance; their ratio is the size of an alert."""
        raise NotImplementedError

    def likelihood(self, weight: Floats, distance: Floats) -> Floats:
        """Log likelihood ratio of the best fitting size to none, to a factor, from sums of :meth:`measure`."""
        raise NotImplementedError

    def back(self, seen: Seen, expected: Expected, size: Floats, line: Index) -> Floats:
        """Per cell: evidence of this bucket that an alert of ``size`` on ``line`` is over."""
        raise NotImplementedError

    def further(self, seen: Seen, expected: Expected, size: Floats, line: Index) -> Floats:
        """Per cell: evidence of this bucket that it is twice as bad as ``size`` by now."""
        raise NotImplementedError

    def restored(self, distance: Floats, size: Floats) -> Flags:
        """Whether a mean distance (c,) since the return began is near enough to usual."""
        raise NotImplementedError

    def update(
        self, bucket: int, seen: Seen, expected: Expected, live: Flags, cap: Floats, most: Floats | None = None
    ) -> None:
        """Take a bucket.

        ``live`` (c, d): where it may count; ``cap`` (c,): the most that evidence can be; ``most`` (c,): the most
        that this bucket can add, if it is limited by its customers.
        """
        steps, says = self.steps(seen, expected)
        if self.by_customers and most is not None:
            steps = np.minimum(steps, most[:, None])
        moved = np.clip(self.level + np.where(says & live, steps, 0.0), 0.0, cap[:, None])
        self.level = moved
        self.left = np.where(moved <= 0, bucket + 1, self.left)

    def reset(self, cells: Flags, bucket: int) -> None:
        """Begin from 0 after ``bucket``."""
        self.level[:, cells] = 0.0
        self.left[:, cells] = bucket + 1

    def strongest(self) -> tuple[Floats, Index, Index]:
        """Per cell: the most evidence, the bucket from which it grew, and its line."""
        alternatives, cells, lines = self.level.shape
        flat = self.level.transpose(1, 0, 2).reshape(cells, alternatives * lines)
        best = flat.argmax(axis=1)
        left = self.left.transpose(1, 0, 2).reshape(cells, alternatives * lines)
        rows = np.arange(cells)
        return flat[rows, best], left[rows, best], best % lines


@dataclass(frozen=True, slots=True)
class Detector:
    """One detector; ``worse`` makes of a usual bucket one in which the thing plainly happens (for the laws)."""

    name: str
    meaning: str
    start: Callable[[int, int], Evidence]
    """Evidence of (cells, dimensions), all zero."""
    worse: Callable[[Seen], Seen]
