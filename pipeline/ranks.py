"""Ranks of small whole numbers without a sort: codes and time buckets lie close together."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]

_DENSE: Final = 16
"""Up to this many times the rows, a table over all possible keys is cheaper than a sort."""


class Ranked(NamedTuple):
    """The rank of each code among those that occur, and how many those are."""

    rank: Index
    size: int


def ranked_codes(codes: NDArray[Any]) -> Ranked:
    """Ranks of the codes that occur; linear, as codes are dense."""
    used = np.zeros(int(codes.max(initial=0)) + 1, bool)
    used[codes] = True
    rank = np.cumsum(used) - 1
    return Ranked(rank[codes], int(rank[-1]) + 1)


def distinct(key: Index, space: int) -> tuple[Index, Index]:
    """Index of each row's key among the distinct ones, and the first row of each; ``space`` is above all keys."""
    if space > _DENSE * len(key):
        _, first, place = np.unique(key, return_index=True, return_inverse=True)
        return place, first
    row = np.full(space, -1, np.int64)
    row[key[::-1]] = np.arange(len(key) - 1, -1, -1)
    used = row >= 0
    return (np.cumsum(used) - 1)[key], row[used]


def close_numbers(number: Index) -> tuple[Index, Index]:
    """Distinct numbers, ascending, and the index of each one; linear where they lie close together."""
    low = int(number.min(initial=0))
    if len(number) and int(number.max()) - low <= _DENSE * len(number):
        ranked = ranked_codes(number - low)
        used = np.empty(ranked.size, np.int64)
        used[ranked.rank] = number
        return used, ranked.rank
    times, place = np.unique(number, return_inverse=True)
    return times, place
