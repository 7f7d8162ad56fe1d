"""Simulated cells of known truth: volumes of .1 to 500 an hour, a weekly season, correlated noise, and falls."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pipeline.detect.series import Flags, Floats, Index, Scope, Series

DAY = 24
SPREAD = 25.0
"""Standard deviation of one score, points."""


@dataclass(frozen=True, slots=True)
class Falls:
    """Which leaves fall by how much from which bucket on."""

    leaves: Flags
    points: float
    begin: Index
    """Bucket per leaf."""


@dataclass(frozen=True, slots=True)
class World:
    """Leaves behind their parents (the channels); ``rate`` of the leaves an hour."""

    series: Series
    rate: Floats
    parents: int


def world(
    seed: int,
    *,
    leaves: int,
    parents: int,
    days: int,
    volume: tuple[float, float] = (0.1, 500.0),
    falls: Falls | None = None,
) -> World:
    """Hourly cells; parents are sums of their leaves."""
    random = np.random.default_rng(seed)
    buckets = days * DAY
    rate = np.exp(random.uniform(math.log(volume[0]), math.log(volume[1]), leaves))
    parent = np.arange(leaves) % parents
    hour = np.arange(buckets)[:, None]
    load = (1 + 0.7 * np.sin(2 * np.pi * (hour - 9) / DAY)) * np.where(hour // DAY % 7 >= 5, 0.6, 1.15)
    phase = random.uniform(0, DAY, parents)[parent]
    season = 2.5 * np.sin(2 * np.pi * (hour - phase) / DAY) + np.where(hour // DAY % 7 >= 5, -1.5, 0.6)
    truth = random.normal(70, 6, leaves) + season + _correlated(random, buckets, parents, 1.0)[:, parent]
    truth += _correlated(random, buckets, leaves, 1.75)
    if falls is not None:
        truth -= falls.points * (falls.leaves & (hour >= falls.begin))
    n = random.poisson(rate * load).astype(np.float64)
    mean = truth + random.normal(0, SPREAD, n.shape) / np.sqrt(np.maximum(n, 1))
    squares = SPREAD**2 * random.chisquare(np.maximum(n - 1, 1)) * (n > 1)
    scopes = [Scope(f"c{one}") for one in range(parents)]
    scopes += [Scope(f"c{above}", f"s{one}") for one, above in enumerate(parent)]
    return World(_series(tuple(scopes), parent, n, n * mean, squares, parents), rate, parents)


def _correlated(random: np.random.Generator, buckets: int, cells: int, deviation: float) -> Floats:
    """AR(1) noise with a correlation of .3 between neighbouring hours."""
    noise = random.normal(0, deviation, (buckets, cells))
    for bucket in range(1, buckets):
        noise[bucket] = 0.3 * noise[bucket - 1] + np.sqrt(1 - 0.3**2) * noise[bucket]
    return noise


def _series(
    scopes: tuple[Scope, ...], parent: Index, n: Floats, total: Floats, squares: Floats, parents: int
) -> Series:
    member = (parent[:, None] == np.arange(parents)).astype(np.float64)
    above, total_above = n @ member, total @ member
    size = np.maximum(n, 1)
    within = (squares + total**2 / size) @ member - total_above**2 / np.maximum(above, 1)
    whole = np.hstack([above, n])
    return Series(
        0, scopes, whole[..., None], np.hstack([total_above, total])[..., None],
        np.hstack([np.maximum(within, 0), squares])[..., None], whole, whole,
    )  # fmt: skip
