"""Cells: totals of interaction scores and answers per scope and time bucket, kept exact under changing facts.

A customer's contribution to a cell is a function of that customer's interactions; when they change, the old
contribution is taken back and the new one added. An interaction belongs to the bucket of its start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.policy import DAY_MS, HOUR_MS
from pipeline.ranks import Ranked, close_numbers, distinct, ranked_codes
from pipeline.records import copied, joined, pick
from pipeline.strings import Strings

Records = NDArray[Any]
Index = NDArray[np.int64]
Signed = list[tuple[str, int | None, NDArray[np.float64]]]

GRAINS: Final = (("hour", HOUR_MS), ("day", DAY_MS))
SCOPES: Final = (
    ("all", ()),
    ("channel", ("channel",)),
    ("segment", ("segment",)),
    ("touchpoint", ("touchpoint",)),
    ("channel_segment", ("channel", "segment")),
    ("channel_touchpoint", ("channel", "touchpoint")),
    ("segment_touchpoint", ("segment", "touchpoint")),
)
LABELS: Final = ("channel", "segment", "touchpoint")
SEPARATOR: Final = "\x1f"
_GRAIN_NAMES: Final = tuple(name for name, _ in GRAINS)
_GRAIN_MS: Final = np.array([width_ms for _, width_ms in GRAINS], np.int64)
_SCOPE_NAMES: Final = tuple(name for name, _ in SCOPES)
_PER_DIMENSION: Final = ("n", "sum", "sumsq", "answers", "answer_sum", "answer_sumsq")
_SEPARATOR_BYTES: Final = SEPARATOR.encode()
_WIDTHS: Final = {grain.encode(): width_ms for grain, width_ms in GRAINS}
_FURTHEST_MS: Final = 1 << 62

CELL: Final = np.dtype(
    [
        ("interactions", "i8"),
        ("customers", "i8"),
        ("answer_customers", "i8"),
        ("n", "i8", (3,)),
        ("sum", "f8", (3,)),
        ("sumsq", "f8", (3,)),
        ("answers", "i8", (3,)),
        ("answer_sum", "f8", (3,)),
        ("answer_sumsq", "f8", (3,)),
    ]
)
"""Totals of one cell. ``n``: interactions with evidence on a dimension; scores in points 0-100."""


@dataclass(frozen=True, slots=True)
class Contributions:
    """What interactions give to cells: their ``facts`` (dtype PIECE) and ``totals`` (dtype CELL, one each).

    ``totals["customers"]`` and ``["answer_customers"]`` are 1 where the interaction counts for its customer.
    """

    facts: Records
    totals: Records


def contributions(facts: Records, evidence: Any, scores: NDArray[np.float64], observations: Any) -> Contributions:
    """Contributions of ``facts`` from their undecayed evidence, their scores (facts, 3) and their observations."""
    totals = np.zeros(len(facts), CELL)
    known = evidence.weight > 0
    totals["interactions"] = 1
    totals["customers"] = 1
    totals["n"] = known
    totals["sum"] = np.where(known, scores, 0.0)
    totals["sumsq"] = totals["sum"] ** 2
    stated = observations.stated
    owner = observations.fact[stated]
    counts = observations.weight[stated] > 0
    value = np.where(counts, observations.value[stated], 0.0)
    np.add.at(totals["answers"], owner, counts)
    np.add.at(totals["answer_sum"], owner, value)
    np.add.at(totals["answer_sumsq"], owner, value**2)
    totals["answer_customers"] = totals["answers"].any(axis=1)
    return Contributions(facts, totals)


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells by their identity; columns are parallel."""

    keys: list[bytes]
    """State keys: grain, scope, bucket and labels, separated."""
    grain: NDArray[np.uint8]
    """Index into GRAINS."""
    scope: NDArray[np.uint8]
    """Index into SCOPES."""
    bucket_ms: Index
    labels: Mapping[str, NDArray[np.int32]]
    """Codes of each of LABELS, 0 where the scope has none."""

    @property
    def ends_ms(self) -> Index:
        """End of the bucket."""
        return np.asarray(self.bucket_ms + _GRAIN_MS[self.grain], np.int64)


def changes(given: Contributions, sign: NDArray[np.int8], strings: Strings) -> tuple[Cells, Records]:
    """The cells that differ, and their summed changes.

    ``sign`` per interaction: -1 it is no longer so, +1 it is so now, 0 it was so before and still is (needed only to
    tell whether a customer was in a cell already: give all those that share a customer and a day with a change).
    """
    facts = given.facts
    known = _Known(
        facts,
        {label: ranked_codes(facts[label]) for label in LABELS},
        _signed(given.totals, sign),
        {name: given.totals[name] > 0 for name in ("customers", "answer_customers")},
        sign,
    )
    parts = []
    for grain, (_, width_ms) in enumerate(GRAINS):
        times, place = close_numbers(facts["start_ms"] // width_ms)
        shared = _shared(facts["customer"], place, len(times))
        buckets = _Buckets(times * width_ms, place, shared)
        parts += [_changes_of_scope(known, (grain, scope), buckets, strings) for scope in range(len(SCOPES))]
    return _joined([cells for cells, _ in parts]), joined([delta for _, delta in parts])


class _Buckets(NamedTuple):
    """Time buckets of one grain: their starts, the bucket of each interaction, and ...

    ``shared``: the interactions (indices) whose customer has others in the same bucket. The rest cannot be counted
    twice in any cell, which spares them the search for each scope.
    """

    times: Index
    place: Index
    shared: Index


def _shared(customer: NDArray[np.int32], bucket: Index, buckets: int) -> Index:
    place, first = distinct(customer.astype(np.int64) * buckets + bucket, (int(customer.max(initial=0)) + 1) * buckets)
    return np.flatnonzero(np.bincount(place, minlength=len(first))[place] > 1)


@dataclass(frozen=True, slots=True)
class _Known:
    """What all scopes share."""

    facts: Records
    labels: Mapping[str, Ranked]
    signed: Signed
    present: Mapping[str, NDArray[np.bool_]]
    """Whether an interaction counts for its customer, per count."""
    sign: NDArray[np.int8]


def _changes_of_scope(
    known: _Known, kind: tuple[int, int], buckets: _Buckets, strings: Strings
) -> tuple[Cells, Records]:
    times, bucket, shared = buckets
    used = SCOPES[kind[1]][1]
    key, space = bucket, len(times)
    for label in used:
        ranked = known.labels[label]
        key, space = key * ranked.size + ranked.rank, space * ranked.size
    place, first = distinct(key, space)
    delta = _sums(known.signed, place, len(first))
    _count_customers(delta, place, shared, known)
    changed = np.flatnonzero(_differs(delta))
    at = first[changed]
    none = np.zeros(len(at), np.int32)
    codes = {label: known.facts[label][at] if label in used else none for label in LABELS}
    keys = _keys(kind, times, bucket[at], codes, strings)
    grain, scope = (np.full(len(at), place_of, np.uint8) for place_of in kind)
    return Cells(keys, grain, scope, times[bucket[at]], codes), pick(delta, changed)


def _signed(totals: Records, sign: NDArray[np.int8]) -> Signed:
    """Columns of the totals that just add up, with their sign: name, dimension, values."""
    columns: Signed = [("interactions", None, sign.astype(np.float64))]
    for name in _PER_DIMENSION:
        values = totals[name] * sign[:, None]
        columns += [
            (name, place, np.ascontiguousarray(column, np.float64))
            for place, column in enumerate(values.T)
            if column.any()
        ]
    return columns


def _sums(signed: Signed, place: Index, cells: int) -> Records:
    delta = np.zeros(cells, CELL)
    for name, dimension, values in signed:
        target = delta[name] if dimension is None else delta[name][:, dimension]
        target[:] = np.bincount(place, values, cells)
    return delta


def _count_customers(delta: Records, place: Index, shared: Index, known: _Known) -> None:
    """Customers that a cell gains or loses: those with an interaction in it now, and before."""
    customer = known.facts["customer"][shared]
    key = place[shared] * (int(customer.max(initial=0)) + 1) + customer
    order = np.argsort(key)
    begins = np.flatnonzero(np.diff(key[order], prepend=-1))
    cell = place[shared[order[begins]]]
    was, now = known.sign[shared] <= 0, known.sign[shared] >= 0
    for name, counts in known.present.items():
        alone = counts * known.sign
        alone[shared] = 0
        delta[name] = np.bincount(place, alone, len(delta))
        if len(shared):
            told = counts[shared]
            before, after = (np.logical_or.reduceat((told & side)[order], begins) for side in (was, now))
            gained = np.bincount(cell, after.astype(np.int8) - before.astype(np.int8), len(delta))
            delta[name] += gained.astype(np.int64)


def _differs(delta: Records) -> NDArray[np.bool_]:
    differs = np.zeros(len(delta), bool)
    for name in CELL.names or ():
        differs |= (delta[name] != 0).reshape(len(delta), -1).any(axis=1)
    return differs


def _keys(
    kind: tuple[int, int], buckets: Index, bucket: Index, codes: Mapping[str, NDArray[np.int32]], strings: Strings
) -> list[bytes]:
    """State keys, put together from the few beginnings and endings that there are."""
    prefix = f"{GRAINS[kind[0]][0]}{SEPARATOR}{SCOPES[kind[1]][0]}{SEPARATOR}"
    heads = _objects([f"{prefix}{time}{SEPARATOR}".encode() for time in buckets.tolist()])
    key = np.zeros(len(bucket), np.int64)
    for label in LABELS:
        ranked = ranked_codes(codes[label])
        key = key * ranked.size + ranked.rank
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    texts = zip(*(strings.take(codes[label][first]).tolist() for label in LABELS), strict=True)
    tails = _objects([SEPARATOR.join(text).encode() for text in texts])
    keys: list[bytes] = (heads[bucket] + tails[place]).tolist()
    return keys


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


def read_keys(keys: Sequence[bytes], strings: Strings) -> Cells:
    """Cells by their state keys."""
    grains, scopes, times, *labels = zip(*(key.decode().split(SEPARATOR) for key in keys), strict=True)
    return Cells(
        list(keys),
        np.array([_GRAIN_NAMES.index(grain) for grain in grains], np.uint8),
        np.array([_SCOPE_NAMES.index(scope) for scope in scopes], np.uint8),
        np.array([int(time) for time in times], np.int64),
        {label: strings.codes(texts) for label, texts in zip(LABELS, labels, strict=True)},
    )


def add(current: Records, delta: Records) -> Records:
    """Cells after a change; a cell without interactions is exactly zero."""
    total = copied(current)
    for name in CELL.names or ():
        total[name] += delta[name]
    for count, sums in (("n", ("sum", "sumsq")), ("answers", ("answer_sum", "answer_sumsq"))):
        for name in sums:
            total[name][total[count] == 0] = 0.0
    return total


def check_keys(keys: Sequence[bytes]) -> None:
    """ValueError or KeyError if one of them is no key of a cell."""
    for key in keys:
        grain, scope, time, *labels = key.decode().split(SEPARATOR)
        if len(labels) != len(LABELS) or scope not in _SCOPE_NAMES or abs(int(time)) >= _FURTHEST_MS:
            raise ValueError("no key of a cell")
        _WIDTHS[grain.encode()]


def bucket_of(key: bytes) -> bytes:
    """The time bucket in the key of a cell: grain and time, each with a separator after it."""
    grain, _, time, _ = key.split(_SEPARATOR_BYTES, 3)
    return _SEPARATOR_BYTES.join((grain, time, b""))


def end_ms(bucket: bytes) -> int:
    """End of a time bucket; ValueError or KeyError if it is none."""
    grain, time, _ = bucket.split(_SEPARATOR_BYTES, 2)
    end = int(time) + _WIDTHS[grain]
    if not -_FURTHEST_MS < end < _FURTHEST_MS:
        raise ValueError("no time of a cell")
    return end
