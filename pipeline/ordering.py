"""Orders by several columns at the price of sorting one: columns are packed side by side into 64 bits.

NumPy sorts whole numbers with vector instructions, some thirty times faster than ``lexsort`` with three keys.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
Column = NDArray[Any]
"""Whole numbers or flags."""

_BITS = 63


def order_of(*columns: Column) -> Index:
    """Stable order of rows by ``columns`` of equal length, the first counts most: ``lexsort`` from the other end.

    >>> order_of(np.array([2, 1, 2, 1]), np.array([5, 9, 4, 9])).tolist()
    [1, 3, 2, 0]
    """
    count = len(columns[0])
    left = [*columns, np.arange(count)]
    key, used = _packed(np.zeros(count, np.int64), 0, left)
    order = np.argsort(key)
    members, ranked = np.arange(count), key[order]
    while used < len(left):
        left = left[used:]
        tied = _tied(ranked)
        if not len(tied):
            break
        members = members[tied]
        run = _runs(ranked[tied])
        chosen = order[members]
        key, used = _packed(run, int(run[-1]).bit_length(), [column[chosen] for column in left])
        within = np.argsort(key)
        order[members], ranked = chosen[within], key[within]
    return order


def rank_of(*columns: Column) -> tuple[Index, Index]:
    """Index of each row among the distinct rows of ``columns`` in their order, and one row of each.

    >>> rank, row = rank_of(np.array([7, 5, 7]))
    >>> rank.tolist(), row.tolist()
    ([1, 0, 1], [1, 0])
    """
    order = order_of(*columns)
    new = begins(*(column[order] for column in columns))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.cumsum(new) - 1
    return rank, order[new]


def begins(*columns: Column) -> NDArray[np.bool_]:
    """Where a row of ordered ``columns`` differs from the one before; the first does."""
    new = np.ones(len(columns[0]), bool)
    if len(new):
        new[1:] = False
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return new


def present(codes: Column) -> Index:
    """The distinct values of small whole numbers, ascending; linear."""
    used = np.zeros(int(codes.max(initial=-1)) + 1, bool)
    used[codes] = True
    return np.flatnonzero(used)


def _packed(key: Index, bits: int, columns: list[Column]) -> tuple[Index, int]:
    """``key`` of ``bits`` bits with as many ``columns`` behind it as fit, at least one; and how many those are."""
    if not len(key):
        return key, len(columns)
    for used, column in enumerate(columns):
        low, high = int(column.min()), int(column.max())
        width = (high - low).bit_length()
        if bits + width > _BITS:
            if used:
                return key, used
            values, part = np.unique(column, return_inverse=True)
            width = len(values).bit_length()
        else:
            part = _above(column, low)
        key = key << width | part if bits else part
        bits += width
    return key, len(columns)


def _above(column: Column, low: int) -> Index:
    if column.dtype == np.uint64:
        return np.asarray((column - np.uint64(low)).astype(np.int64))
    return np.asarray(column.astype(np.int64) - low)


def _tied(ranked: Index) -> Index:
    """Places of ordered keys that have an equal neighbour."""
    same = ranked[1:] == ranked[:-1]
    tied = np.zeros(len(ranked), bool)
    tied[1:] = same
    tied[:-1] |= same
    return np.flatnonzero(tied)


def _runs(ranked: Index) -> Index:
    return np.cumsum(np.append(False, ranked[1:] != ranked[:-1]))
