"""What a bucket of a cell is expected to be: a shrunk mean with its parent's season, its noise, and its contacts.

Sums over a moving window, exact under exclusion: buckets of an alert are taken out, and a cell's share of a bucket is
not taken in while it is alerting. Formulas: mean ``(N·ȳ + k·m_parent)/(N + k)`` with ``k = σ²/spread``; variance of a
bucket ``σ²/n + τ²·(1+ρ)/(1-ρ)·(1 + 1/repetitions) + that of the baseline``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.detect.policy import Watch
from pipeline.detect.series import Flags, Floats, Index, Series, parents

_N, _TOTAL, _SQUARES, _FREEDOM, _OCCUPIED, _WEIGHT, _NOISE, _PAIRS, _PRODUCT, _INFORMATION, _LIVE = range(11)
_PARTS: Final = 11
_COUNT, _BUCKETS, _PEARSON, _DAY_PEARSON, _DAYS, _WEEK_PEARSON, _WEEKS = range(7)
_COUNTS: Final = 7
_SATURATION: Final = 100.0
"""Observations beyond which a bucket's weight in the season hardly grows: noise between buckets remains."""
_FREEDOM_ENOUGH: Final = 20.0
"""Degrees of freedom that a variance of one's own needs; a window holds no more than 25 weekly values."""
_ALONE: Final = 3
"""Observations from which a mean is one that the distance of a single one tells something."""
_DISPERSION_WORTH: Final = 20.0
_BLOCKS_WORTH: Final = 4.0
_DAYS_FOR_HOURS: Final = 3
_DAYS_FOR_CONTACTS: Final = 7
"""Contacts are watched later than scores: nights and weekends move them far more."""
_DAYS_FOR_WEEK: Final = 21


@dataclass(frozen=True, slots=True)
class Expected:
    """What a bucket should be; arrays (c, d), of contacts (c,)."""

    mean: Floats
    variance: Floats
    """Of the bucket's mean around it, square points."""
    ready: Flags
    contacts: Floats
    dispersion: Floats
    """Variance of the contacts over their mean, at least 1."""
    contacts_ready: Flags


class Baseline:
    """Moving sums of one grain; ask :meth:`expect`, then :meth:`fold` the bucket in."""

    def __init__(self, series: Series, watch: Watch) -> None:
        _, cells, dimensions = series.shape
        self.series, self.watch = series, watch
        self.parent = parents(series.scopes)
        depth = np.array([scope.depth for scope in series.scopes])
        self.profile = np.where(depth > 1, self.parent, np.arange(cells))
        self.layers = [np.flatnonzero(depth == level) for level in sorted(set(depth.tolist()))]
        self.sums = np.zeros((_PARTS, cells, dimensions))
        # Half the memory, and still consistent: what leaves the sums is what was added to them.
        self.ring = np.zeros((watch.window, _PARTS, cells, dimensions), np.float32)
        self.season = np.zeros((watch.week, 4, cells, dimensions))  # weight, weighted sum, occupied, n
        self.counts = np.zeros((_COUNTS, cells))
        self.count_ring = np.zeros((watch.window, _COUNTS, cells), np.float32)
        self.count_season = np.zeros((watch.week, 2, cells))
        self.slot_of = np.zeros(watch.window, np.int64)
        self.born = np.full(cells, -1, np.int64)
        self.seen = np.zeros((cells, dimensions))  # observations so far, also those that left the window
        self.blocks = np.zeros((2, 2, cells))  # of the day and the week so far: contacts, expected
        self.previous = np.zeros((2, cells, dimensions))  # residual and weight of the last bucket

    def age(self, bucket: int) -> Index:
        """Buckets since each cell's first contact; 0 before."""
        return np.where(self.born >= 0, bucket - self.born, 0)

    def young(self, bucket: int) -> Flags:
        """Cells that do not know their week yet: their alerts are learnt from too, or a weekend stays one for ever."""
        return np.asarray(self.age(bucket) < _DAYS_FOR_WEEK * self.watch.day)

    def _noise(self) -> tuple[Floats, Floats, Floats]:
        """Per cell σ² of one score, τ² between buckets, and the factor (1+ρ)/(1-ρ)."""
        sums, watch = self.sums, self.watch
        freedom = sums[_FREEDOM]
        # The start value, and for a part its parent, stand in for observations that are not there yet.
        missing = np.maximum(_FREEDOM_ENOUGH - freedom, 1.0)
        own = (sums[_SQUARES] + missing * watch.variance) / (freedom + missing)
        sigma = (sums[_SQUARES] + missing * own[self.parent]) / (freedom + missing)
        tau = (sums[_NOISE] + watch.noise_worth * watch.noise) / (sums[_WEIGHT] + watch.noise_worth)
        tau = np.maximum(tau, watch.noise / 4)
        worth: float = watch.correlation_worth
        product = sums[_PRODUCT] + worth * watch.correlation * watch.noise
        rho = np.clip(product / (sums[_PAIRS] * tau + worth * watch.noise), 0.0, 0.8)
        return np.maximum(sigma, 1.0), tau, (1 + rho) / (1 - rho)

    def _mean(self, sigma: Floats, noise: Floats) -> tuple[Floats, Floats]:
        """Shrunk mean and its variance; a cell without a parent is its own."""
        n, spread = self.sums[_N], self.watch.spread
        own = self.sums[_TOTAL] / np.maximum(n, 1)
        sampling = sigma / np.maximum(n, 1) + noise / np.maximum(self.sums[_OCCUPIED], 1)
        mean, variance = own.copy(), sampling.copy()
        for layer in self.layers:
            at = layer[self.parent[layer] != layer]
            above = self.parent[at]
            pull = sigma[at] / spread
            mean[at] = (n[at] * own[at] + pull * mean[above]) / (n[at] + pull)
            variance[at] = spread * sampling[at] / (spread + sampling[at])
        return mean, variance

    def _slots(self, bucket: int) -> tuple[Index, Index]:
        """Slots of the week that are like ``bucket``: this one, and this hour of all days."""
        slot = bucket % self.watch.week
        return np.array([slot]), np.arange(slot % self.watch.day, self.watch.week, self.watch.day)

    def _seasonal(self, bucket: int, age: Index) -> tuple[Floats, Floats, Floats]:
        """Season of each cell's profile: shift, repetitions, observations behind it."""
        weekly, daily = (self.season[slots].sum(axis=0) for slots in self._slots(bucket + self.series.first))
        days = age[self.profile] // self.watch.day
        use_week = (days >= _DAYS_FOR_WEEK)[:, None]
        use_hour = ((days >= _DAYS_FOR_HOURS) & (self.watch.day > 1))[:, None]
        weight, total, occupied, n = np.where(use_week, weekly[:, self.profile], daily[:, self.profile])
        known = (use_week | use_hour) & (weight > 1e-9)
        overall = (self.sums[_TOTAL] / np.maximum(self.sums[_N], 1))[self.profile]
        shift = np.where(known, total / np.where(known, weight, 1) - overall, 0.0)
        return shift, np.where(known, occupied, 1.0), np.where(known, n, np.inf)

    def expect(self, bucket: int) -> Expected:
        """What bucket number ``bucket`` of the series should be, from those folded in."""
        age = self.age(bucket)
        sigma, tau, factor = self._noise()
        mean, uncertain = self._mean(sigma, tau * factor)
        shift, repetitions, seen = self._seasonal(bucket, age)
        n = np.maximum(self.series.n[bucket], 1)
        variance = sigma / n + tau * factor * (1 + 1 / repetitions) + uncertain + sigma[self.profile] / seen
        old = age >= self.watch.warm_up
        ready = old[:, None] & (self.seen >= self.watch.warm_up_observations)
        contacts, dispersion = self._contacts(bucket, age)
        enough = self.counts[_COUNT] >= self.watch.warm_up_observations
        week_seen = age >= _DAYS_FOR_CONTACTS * self.watch.day
        return Expected(mean + shift, variance, ready, contacts, dispersion, old & enough & week_seen)

    def _contacts(self, bucket: int, age: Index) -> tuple[Floats, Floats]:
        """Expected contacts, and variance over mean with the uncertainty of the expectation."""
        count, buckets = self.counts[:2]
        rate = count / np.maximum(buckets, 1)
        weekly, daily = (self.count_season[slots].sum(axis=0) for slots in self._slots(bucket + self.series.first))
        days = age[self.profile] // self.watch.day
        known = (days >= _DAYS_FOR_HOURS) & ((self.watch.day > 1) | (days >= _DAYS_FOR_WEEK))
        total, repeated = np.where(days >= _DAYS_FOR_WEEK, weekly[:, self.profile], daily[:, self.profile])
        usual = np.maximum(rate[self.profile], 1e-9)
        ratio = np.where(known, (total / usual + 1) / (repeated + 1), 1.0)
        expected = rate * ratio
        unsure = 1 + expected / np.maximum(count, 1) + np.where(known, expected / np.maximum(total, 1), 0.0)
        return expected, self._dispersion() * unsure

    def _dispersion(self) -> Floats:
        """Variance over mean of the contacts of buckets, days or weeks, the largest: excesses that last count too."""
        _, buckets, pearson, day_pearson, days, week_pearson, weeks = self.counts
        spread = (pearson + _DISPERSION_WORTH) / (buckets + _DISPERSION_WORTH)
        daily = (day_pearson + _BLOCKS_WORTH) / (days + _BLOCKS_WORTH)
        weekly = (week_pearson + _BLOCKS_WORTH) / (weeks + _BLOCKS_WORTH)
        return np.asarray(np.maximum.reduce([spread, daily, weekly, np.ones_like(spread)]))

    def information(self) -> Floats:
        """Mean of 1/variance over the window's buckets, empty ones counting 0; shape (c, d)."""
        return np.asarray(self.sums[_INFORMATION] / np.maximum(self.sums[_LIVE], 1))

    def fold(self, bucket: int, expected: Expected, frozen: Flags) -> None:
        """Take the bucket in and let the one that leaves the window go, but for ``frozen`` cells (c,)."""
        fresh = (self.born < 0) & (self.series.contacts[bucket] > 0)
        self.born[fresh] = bucket
        row, moves = bucket % self.watch.window, ~frozen
        self.seen += self.series.n[bucket] * moves[:, None]
        self.blocks[:, :, frozen] = 0.0
        self._add(row, moves, -1.0)
        self.slot_of[row] = (bucket + self.series.first) % self.watch.week
        self.ring[row] = np.where((moves & (self.born >= 0))[:, None], self._parts(bucket, expected), 0.0)
        self.count_ring[row] = np.where(moves & (self.born >= 0), self._count_parts(bucket, expected), 0.0)
        self._add(row, moves, 1.0)

    def forget(self, cell: int, first: int, last: int) -> None:
        """Take a cell's buckets ``first`` to ``last`` out again, of half a window at most: something must be usual."""
        for bucket in range(max(first, last - self.watch.window // 2 + 1, 0), last + 1):
            row = bucket % self.watch.window
            self.ring[row, :, cell] = 0.0
            self.count_ring[row, :, cell] = 0.0
        self.rebuild(cell)

    def rebuild(self, cell: int) -> None:
        """Sums of a cell from what its window still holds: after buckets were taken out, or it was frozen."""
        self.sums[:, cell] = self.ring[:, :, cell].sum(axis=0, dtype=np.float64)
        self.counts[:, cell] = self.count_ring[:, :, cell].sum(axis=0, dtype=np.float64)
        self.season[:, :, cell], self.count_season[:, :, cell] = 0.0, 0.0
        rows = np.arange(self.watch.window)
        seasonal = _season_parts(self.ring[:, :, cell].swapaxes(0, 1).astype(np.float64)).swapaxes(0, 1)
        np.add.at(self.season[:, :, cell], self.slot_of[rows], seasonal)
        np.add.at(self.count_season[:, :, cell], self.slot_of[rows], self.count_ring[:, :2, cell])

    def _add(self, row: int, moves: Flags, sign: float) -> None:
        row_parts = self.ring[row].astype(np.float64)
        parts = row_parts * (sign * moves[:, None])
        counts = self.count_ring[row] * (sign * moves)
        slot = self.slot_of[row]  # leaving, that of the bucket that was taken in here: a window need not be whole weeks
        self.sums += parts
        self.counts += counts
        self.season[slot] += sign * moves[:, None] * _season_parts(row_parts)
        self.count_season[slot] += counts[:2]

    def _parts(self, bucket: int, expected: Expected) -> Floats:
        n, total = self.series.n[bucket], self.series.total[bucket]
        known = n > 0
        size = np.maximum(n, 1)
        sigma = self._noise()[0]
        distance = np.where(known, total / size - expected.mean, 0.0)
        residual = np.where(expected.ready, distance, 0.0)
        certainty = self.watch.noise / (self.watch.noise + sigma / size)
        weight = np.where(known & expected.ready, certainty**2, 0.0)
        pair = np.sqrt(weight * self.previous[1])
        # A bucket of one observation has no spread of its own: its distance from what was expected stands in.
        alone = (n == 1) & (self.sums[_N] >= _ALONE)
        squares = self.series.squares[bucket] + np.where(alone, distance**2, 0.0)
        parts = np.stack([
            n, total, squares, np.where(alone, 1.0, np.maximum(n - 1, 0)), known, weight,
            weight * (residual**2 - sigma / size), pair, pair * residual * self.previous[0],
            known / expected.variance, np.ones_like(n),
        ])  # fmt: skip
        self.previous = np.stack([residual, weight])
        return parts

    def _count_parts(self, bucket: int, expected: Expected) -> Floats:
        count = self.series.contacts[bucket]
        known = expected.contacts_ready
        pearson = np.where(known, _pearson(count, expected.contacts), 1.0)
        parts = [count, np.ones_like(count), pearson]
        self.blocks += np.where(known, [count, expected.contacts], 0.0)
        for block, size in zip(self.blocks, (self.watch.day, self.watch.week), strict=True):
            ends = ((bucket + self.series.first + 1) % size == 0) & (block[1] > 0)
            parts += [np.where(ends, _pearson(*block), 0.0), ends.astype(float)]
            block[:, ends] = 0.0
        return np.stack(parts)


def _season_parts(parts: Floats) -> Floats:
    """Weight, weighted mean, occupied and n of ``parts``, whose first axis are the parts."""
    n, total, occupied = parts[_N], parts[_TOTAL], parts[_OCCUPIED]
    weight = n / (1 + n / _SATURATION)
    return np.stack([weight, weight * total / np.maximum(n, 1), occupied, n])


def _pearson(count: Floats, expected: Floats) -> Floats:
    """Squared distance in units of a Poisson variance."""
    return np.asarray((count - expected) ** 2 / np.maximum(expected, 0.1))
