"""Bucket series of cells of one grain: what detection is a function of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Scope(NamedTuple):
    """What a cell is about; a label that it is not split by is empty."""

    channel: str = ""
    segment: str = ""
    touchpoint: str = ""

    @property
    def depth(self) -> int:
        """Number of labels."""
        return sum(map(bool, self))

    def covers(self, other: Scope) -> bool:
        """Whether the other is this scope or a part of it."""
        return all(mine in ("", theirs) for mine, theirs in zip(self, other, strict=True))

    def meet(self, other: Scope) -> Scope | None:
        """The scope that is in both; None if they exclude each other."""
        if any(a and b and a != b for a, b in zip(self, other, strict=True)):
            return None
        return Scope(*(a or b for a, b in zip(self, other, strict=True)))

    def __str__(self) -> str:
        named = [f"{name}={value}" for name, value in zip(self._fields, self, strict=True) if value]
        return " ".join(named) or "everything"


@dataclass(frozen=True, slots=True)
class Series:
    """Final totals per bucket (b), cell (c) and dimension (d); empty buckets are zeros."""

    first: int
    """Number of the first bucket: epoch milliseconds // width."""
    scopes: tuple[Scope, ...]
    n: Floats
    """Observations, shape (b, c, d)."""
    total: Floats
    """Sum of their points, shape (b, c, d)."""
    squares: Floats
    """Sum of squared deviations from the bucket's mean, shape (b, c, d)."""
    contacts: Floats
    """Interactions, shape (b, c)."""
    customers: Floats
    """Distinct customers within the bucket, shape (b, c)."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Buckets, cells, dimensions."""
        buckets, cells, dimensions = self.n.shape
        return buckets, cells, dimensions

    def take(self, cells: Sequence[int] | Index) -> Series:
        """The same of some cells, in that order."""
        at = np.asarray(cells, np.int64)
        scopes = tuple(self.scopes[place] for place in at)
        parts = (self.n, self.total, self.squares, self.contacts, self.customers)
        return Series(self.first, scopes, *(part[:, at] for part in parts))

    def until(self, buckets: int) -> Series:
        """The first buckets."""
        parts = (self.n, self.total, self.squares, self.contacts, self.customers)
        return Series(self.first, self.scopes, *(part[:buckets] for part in parts))


def parents(scopes: Sequence[Scope]) -> Index:
    """Place of the scope that each is shrunk to: a label less (the channel before others); itself if there is none."""
    place = {scope: at for at, scope in enumerate(scopes)}
    return np.array([next(_nearest(scope, place), at) for at, scope in enumerate(scopes)], np.int64)


def _nearest(scope: Scope, place: dict[Scope, int]) -> Iterator[int]:
    named = [field for field in ("segment", "touchpoint", "channel") if getattr(scope, field)]
    candidates = [scope._replace(**{field: ""}) for field in named] + ([Scope()] if scope.depth > 1 else [])
    return iter([place[one] for one in candidates if one in place])


def distinct(series: Series) -> Index:
    """Cells without those that have the same interactions as one with fewer labels: they are one cell."""
    order = sorted(range(len(series.scopes)), key=lambda at: (series.scopes[at].depth, series.scopes[at]))
    seen: dict[tuple[bytes, ...], int] = {}
    for at in order:
        key = identity(series, at)
        if series.contacts[:, at].any():
            seen.setdefault(key, at)
    return np.array(sorted(seen.values()), np.int64)


def identity(series: Series, cell: int) -> tuple[bytes, ...]:
    """Equal for cells with the same interactions: their counts in every bucket (sums differ by rounding)."""
    return tuple(part[:, cell].tobytes() for part in (series.contacts, series.customers, series.n))
