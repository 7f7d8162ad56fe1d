"""Which cells differ when interactions do, and by how much: summed over all scopes and grains at once.

Most interactions bring neither evidence nor answers, so those columns are summed over the few that do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.aggregate import CELL, GRAINS, LABELS, SCOPES, SEPARATOR, Cells, Contributions
from pipeline.ordering import begins
from pipeline.records import joined, pick
from pipeline.strings import Strings

Records = NDArray[Any]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

_OF_EVIDENCE: Final = ("n", "sum", "sumsq")
_OF_ANSWERS: Final = ("answers", "answer_sum", "answer_sumsq")
_COUNTS: Final = ("customers", "answer_customers")
_DENSE: Final = 16
"""Up to this many times the rows, a table over all possible keys is cheaper than a sort."""


def changes(given: Contributions, sign: NDArray[np.int8], strings: Strings) -> tuple[Cells, Records]:
    """The cells that differ, and their summed changes.

    ``sign`` per interaction: -1 it is no longer so, +1 it is so now, 0 it was so before and still is (needed only to
    tell whether a customer was in a cell already: give all those that share a customer and a day with a change).
    """
    start, customer = given.where["start_ms"], given.where["customer"]
    codes = {label: given.where[label] for label in LABELS}
    counts = [given.totals[name] > 0 for name in _COUNTS]
    known = _Known(codes, {label: _ranked(codes[label]) for label in LABELS}, _sums(given.totals, sign), customer)
    parts = []
    for grain, (_, width_ms) in enumerate(GRAINS):
        times, place = _buckets(start // width_ms)
        buckets = _Buckets(times * width_ms, place, _customers(customer, place, len(times), sign, counts))
        parts += [_changes_of_scope(known, (grain, scope), buckets, strings) for scope in range(len(SCOPES))]
    return _joined([cells for cells, _ in parts]), joined([delta for _, delta in parts])


class _Summed(NamedTuple):
    """Columns of the totals that just add up, with their sign, over the rows that have any of them."""

    rows: Index
    columns: list[tuple[str, int | None, NDArray[np.float64]]]
    """Name, dimension, values."""


class _Ranked(NamedTuple):
    rank: Index
    size: int


@dataclass(frozen=True, slots=True)
class _Known:
    """What all scopes share."""

    codes: Mapping[str, NDArray[np.int32]]
    labels: Mapping[str, _Ranked]
    sums: list[_Summed]
    customer: NDArray[np.int32]


class _Customers(NamedTuple):
    """For counting customers: who has others in the same bucket must be searched in each cell, the rest need not."""

    shared: Index
    """Interactions whose customer has others in the same bucket."""
    told: NDArray[np.uint8]
    """Of those: bits 0 and 1, it counted for its customer before and does now; bits 2 and 3, its answer."""
    alone: _Summed
    """What the others add."""


class _Buckets(NamedTuple):
    """Time buckets of one grain: their starts, the bucket of each interaction, and the customers in them."""

    times: Index
    place: Index
    customers: _Customers


def _sums(totals: Records, sign: NDArray[np.int8]) -> list[_Summed]:
    everyone = _Summed(np.arange(len(sign)), [("interactions", None, sign.astype(np.float64))])
    evidence = np.flatnonzero(totals["n"].any(axis=1) & (sign != 0))
    answered = np.flatnonzero(totals["answers"].any(axis=1) & (sign != 0))
    return [everyone, _summed(totals, sign, evidence, _OF_EVIDENCE), _summed(totals, sign, answered, _OF_ANSWERS)]


def _summed(totals: Records, sign: NDArray[np.int8], rows: Index, names: tuple[str, ...]) -> _Summed:
    columns: list[tuple[str, int | None, NDArray[np.float64]]] = []
    for name in names:
        values = np.ascontiguousarray((totals[name][rows] * sign[rows, None]).T, np.float64)
        columns += [(name, place, column) for place, column in enumerate(values) if column.any()]
    return _Summed(rows, columns)


def _customers(
    customer: NDArray[np.int32], bucket: Index, buckets: int, sign: NDArray[np.int8], counts: list[Flags]
) -> _Customers:
    space = (int(customer.max(initial=0)) + 1) * buckets
    place, first = _distinct(customer.astype(np.int64) * buckets + bucket, space)
    apart = np.bincount(place, minlength=len(first))[place] == 1
    shared = np.flatnonzero(~apart)
    was, now = sign[shared] <= 0, sign[shared] >= 0
    sides = (count[shared] & side for count in counts for side in (was, now))
    told = np.zeros(len(shared), np.uint8)
    for bit, side in enumerate(sides):
        told |= side.astype(np.uint8) << np.uint8(bit)
    rows = np.flatnonzero(apart & (sign != 0))
    alone = [(name, None, (count * sign)[rows].astype(np.float64)) for name, count in zip(_COUNTS, counts, strict=True)]
    return _Customers(shared, told, _Summed(rows, [*alone]))


def _buckets(number: Index) -> tuple[Index, Index]:
    """Distinct bucket numbers, ascending, and the index of each one; linear where they lie close together."""
    low = int(number.min(initial=0))
    if len(number) and int(number.max()) - low <= _DENSE * len(number):
        ranked = _ranked(number - low)
        used = np.empty(ranked.size, np.int64)
        used[ranked.rank] = number
        return used, ranked.rank
    times, place = np.unique(number, return_inverse=True)
    return times, place


def _changes_of_scope(
    known: _Known, kind: tuple[int, int], buckets: _Buckets, strings: Strings
) -> tuple[Cells, Records]:
    times, bucket, customers = buckets
    used = SCOPES[kind[1]][1]
    key, space = bucket, len(times)
    for label in used:
        ranked = known.labels[label]
        key, space = key * ranked.size + ranked.rank, space * ranked.size
    place, first = _distinct(key, space)
    delta, differs = np.zeros(len(first), CELL), np.zeros(len(first), bool)
    for summed in (*known.sums, customers.alone):
        cells = place[summed.rows]
        for name, dimension, values in summed.columns:
            total = np.bincount(cells, values, len(first))
            differs |= total != 0
            if dimension is None:
                delta[name] = total
            else:
                delta[name][:, dimension] = total
    for name, total in _count_customers(place, len(first), known.customer, customers).items():
        delta[name] += total
        differs |= delta[name] != 0
    changed = np.flatnonzero(differs)
    return _named(known, kind, buckets, strings, first[changed]), pick(delta, changed)


def _count_customers(place: Index, cells: int, customer: NDArray[np.int32], customers: _Customers) -> dict[str, Index]:
    """Customers that cells gain or lose: those with a shared interaction in it now, less those before."""
    shared = customers.shared
    if not len(shared):
        return {}
    key = place[shared] * (int(customer.max(initial=0)) + 1) + customer[shared]
    order = np.argsort(key)
    cuts = np.flatnonzero(begins(key[order]))
    told = np.bitwise_or.reduceat(customers.told[order], cuts).astype(np.int8)
    cell = place[shared[order[cuts]]]
    steps = ((told >> 2 * number + 1 & 1) - (told >> 2 * number & 1) for number in range(len(_COUNTS)))
    return {name: np.bincount(cell, step, cells).astype(np.int64) for name, step in zip(_COUNTS, steps, strict=True)}


def _ranked(codes: NDArray[Any]) -> _Ranked:
    """Ranks of the codes that occur; linear, as codes are dense."""
    used = np.zeros(int(codes.max(initial=0)) + 1, bool)
    used[codes] = True
    rank = np.cumsum(used) - 1
    return _Ranked(rank[codes], int(rank[-1]) + 1)


def _distinct(key: Index, space: int) -> tuple[Index, Index]:
    """Index of each row's key among the distinct ones, and the first row of each; ``space`` is above all keys."""
    if space > _DENSE * len(key):
        _, first, place = np.unique(key, return_index=True, return_inverse=True)
        return place, first
    row = np.full(space, -1, np.int64)
    row[key[::-1]] = np.arange(len(key) - 1, -1, -1)
    used = row >= 0
    return (np.cumsum(used) - 1)[key], row[used]


def _named(known: _Known, kind: tuple[int, int], buckets: _Buckets, strings: Strings, at: Index) -> Cells:
    """The cells of one grain and scope that the interactions ``at`` are in."""
    used, none = SCOPES[kind[1]][1], np.zeros(len(at), np.int32)
    codes = {label: known.codes[label][at] if label in used else none for label in LABELS}
    bucket = buckets.place[at]
    prefix = f"{GRAINS[kind[0]][0]}{SEPARATOR}{SCOPES[kind[1]][0]}{SEPARATOR}"
    heads = _objects([f"{prefix}{time}{SEPARATOR}".encode() for time in buckets.times.tolist()])
    key, space = np.zeros(len(at), np.int64), 1
    for label in used:
        ranked = _ranked(codes[label])
        key, space = key * ranked.size + ranked.rank, space * ranked.size
    place, first = _distinct(key, space)
    texts = zip(*(strings.take(codes[label][first]).tolist() for label in LABELS), strict=True)
    tails = _objects([SEPARATOR.join(text).encode() for text in texts])
    keys: list[bytes] = (heads[bucket] + tails[place]).tolist()
    grain, scope = (np.full(len(at), number, np.uint8) for number in kind)
    return Cells(keys, grain, scope, buckets.times[bucket], codes)


def _objects(values: list[bytes]) -> NDArray[np.object_]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _joined(parts: list[Cells]) -> Cells:
    return Cells(
        [key for part in parts for key in part.keys],
        np.concatenate([part.grain for part in parts]),
        np.concatenate([part.scope for part in parts]),
        np.concatenate([part.bucket_ms for part in parts]),
        {label: np.concatenate([part.labels[label] for part in parts]) for label in LABELS},
    )
