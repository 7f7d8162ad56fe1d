"""An exact Gaussian process over one customer's observations: the best linear estimate there is (Cholesky)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tests.evaluate.perception.scene import HORIZONS, Floats, Index, Queries, Told, known

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Process:
    """Covariances of the truth; ``lasting`` and ``recent`` by the days between two times, ``mixing`` by dimension."""

    lasting: Callable[[Floats], Floats]
    recent: Callable[[Floats], Floats]
    mixing: Floats
    """Correlation of the dimensions, shape (d, d)."""


@dataclass(frozen=True, slots=True)
class Readings:
    """Observations of a mix of dimensions, in order of (customer, at_ms)."""

    customer: Index
    at_ms: Index
    residual: Floats
    """What was read minus what is expected of the segment and of everything known, points."""
    about: Floats
    """Weights of the dimensions, 1 in sum, shape (m, d)."""
    error: Callable[[slice], Floats]
    """Covariance of the errors of some rows of one customer."""


def exact(process: Process, readings: Readings, queries: Queries, expected: dict[str, Floats]) -> Told:
    """Posterior mean and variance at each query; ``expected`` is what is known without any reading."""
    mean = {name: expected[name].copy() for name in HORIZONS}
    start = np.zeros(1)
    own = np.diag(process.mixing)
    lasting, recent = float(process.lasting(start)[0]), float(process.recent(start)[0])
    variance = {"relationship": np.tile(lasting * own, (len(queries.at_ms), 1))}
    variance["journey"] = variance["relationship"] + recent * own
    first, last = known(readings.customer, readings.at_ms, queries)
    bounds = np.append(np.flatnonzero(np.diff(queries.customer, prepend=-1)), len(queries.customer))
    for begin, end in pairwise(bounds.tolist()):
        rows = slice(int(first[begin]), int(last[begin:end].max()))
        if rows.stop > rows.start:
            _condition(process, readings, rows, queries, slice(begin, end), last, mean, variance)
    return Told(mean, variance)


def _condition(
    process: Process,
    readings: Readings,
    rows: slice,
    queries: Queries,
    asked: slice,
    last: Index,
    mean: dict[str, Floats],
    variance: dict[str, Floats],
) -> None:
    """Condition the queries of one customer on the rows before each.

    One factor serves them all: the first rows of a triangular system's solution need only its first rows.
    """
    apart = (queries.at_ms[asked] - readings.at_ms[rows, np.newaxis]) / DAY_MS
    about = (readings.about[rows] @ process.mixing)[:, np.newaxis, :]
    lasting = about * process.lasting(apart)[:, :, np.newaxis]
    targets = {"relationship": lasting, "journey": lasting + about * process.recent(apart)[:, :, np.newaxis]}
    right = [readings.residual[rows, np.newaxis], *(targets[name].reshape(len(apart), -1) for name in HORIZONS)]
    solved = np.linalg.solve(np.linalg.cholesky(_covariance(process, readings, rows)), np.hstack(right))
    before = np.arange(len(apart))[:, np.newaxis] < last[asked] - rows.start
    for name, part in zip(HORIZONS, np.hsplit(solved[:, 1:], 2), strict=True):
        kept = part.reshape(lasting.shape) * before[:, :, np.newaxis]
        mean[name][asked] += np.tensordot(solved[:, 0], kept, axes=1)
        variance[name][asked] -= (kept**2).sum(axis=0)


def _covariance(process: Process, readings: Readings, rows: slice) -> Floats:
    days = readings.at_ms[rows] / DAY_MS
    apart = days[:, np.newaxis] - days
    alike = readings.about[rows] @ process.mixing @ readings.about[rows].T
    return np.asarray(alike * (process.lasting(apart) + process.recent(apart)) + readings.error(rows))
