"""Small series of known content."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.detect.policy import HOURLY, Watch, threshold
from pipeline.detect.run import Outcome, run
from pipeline.detect.series import Floats, Scope, Series

DAY = 24


def series(scopes: Sequence[Scope], n: Floats, mean: Floats, *, deviation: float = 15.0, first: int = 0) -> Series:
    """One dimension; every observation is an interaction of another customer."""
    n = np.broadcast_to(np.asarray(n, np.float64), mean.shape).copy()
    squares = np.maximum(n - 1, 0) * deviation**2
    return Series(first, tuple(scopes), n[..., None], (n * mean)[..., None], squares[..., None], n.copy(), n.copy())


def noisy(seed: int, scopes: Sequence[Scope], rate: float, days: int, *, falls: Floats | None = None) -> Series:
    """Poisson counts at ``rate`` an hour, means around 70; ``falls`` (b, c) are subtracted."""
    random = np.random.default_rng(seed)
    shape = (days * DAY, len(scopes))
    n = random.poisson(rate, shape).astype(np.float64)
    mean = 70 + random.normal(0, 1.5, shape) + random.normal(0, 15, shape) / np.sqrt(np.maximum(n, 1))
    return series(scopes, n, mean if falls is None else mean - falls)


def with_total(leaves: Series, scope: Scope) -> Series:
    """A parent of all leaves before them, the sum of what they hold."""
    n, total = leaves.n.sum(axis=1, keepdims=True), leaves.total.sum(axis=1, keepdims=True)
    inside = (leaves.squares + leaves.total**2 / np.maximum(leaves.n, 1)).sum(axis=1, keepdims=True)
    squares = np.maximum(inside - total**2 / np.maximum(n, 1), 0)
    return Series(
        leaves.first,
        (scope, *leaves.scopes),
        np.hstack([n, leaves.n]),
        np.hstack([total, leaves.total]),
        np.hstack([squares, leaves.squares]),
        np.hstack([leaves.contacts.sum(axis=1, keepdims=True), leaves.contacts]),
        np.hstack([leaves.customers.sum(axis=1, keepdims=True), leaves.customers]),
    )


def detect(given: Series, watch: Watch = HOURLY) -> Outcome:
    """A run at the a-priori thresholds."""
    return run(given, watch, np.full(len(given.scopes), threshold(len(given.scopes), watch, 7)))


def fired(outcome: Outcome, detector: str = "drop") -> list[tuple[int, int]]:
    """(cell, bucket) of a detector's alerts."""
    return [(alert.cell, alert.fired) for alert in outcome.alerts if alert.detector == detector]
