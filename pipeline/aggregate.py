"""Cells: totals of interaction scores and answers per scope and time bucket, kept exact under changing facts.

A customer's contribution to a cell is a function of that customer's interactions; when they change, the old
contribution is taken back and the new one added. An interaction belongs to the bucket of its start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.policy import DAY_MS, HOUR_MS
from pipeline.strings import Strings

Records = NDArray[Any]
Index = NDArray[np.int64]

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
_SEPARATOR_BYTES: Final = SEPARATOR.encode()
_WIDTHS: Final = {grain.encode(): width_ms for grain, width_ms in GRAINS}

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


def changes(given: Contributions, sign: NDArray[np.int8], strings: Strings) -> Iterator[tuple[list[bytes], Records]]:
    """Keys and summed changes of the cells that differ, per grain and scope.

    ``sign`` per interaction: -1 it is no longer so, +1 it is so now, 0 it was so before and still is (needed only to
    tell whether a customer was in a cell already: give all those that share a customer and a day with a change).
    """
    for grain, width_ms in GRAINS:
        bucket = given.facts["start_ms"] // width_ms
        for scope, labels in SCOPES:
            yield _changes_of_scope(given, sign, bucket, (grain, width_ms, scope, labels), strings)


def _changes_of_scope(
    given: Contributions,
    sign: NDArray[np.int8],
    bucket: Index,
    where: tuple[str, int, str, tuple[str, ...]],
    strings: Strings,
) -> tuple[list[bytes], Records]:
    facts, totals = given.facts, given.totals
    place, first = _cells([bucket, *(facts[label] for label in where[3])])
    pairs, first_of_pair = _cells([place, facts["customer"]])
    delta = _signed_sums(totals, sign, place, len(first))
    for name in ("customers", "answer_customers"):
        was = np.bincount(pairs, totals[name] * (sign <= 0), len(first_of_pair)) > 0
        now = np.bincount(pairs, totals[name] * (sign >= 0), len(first_of_pair)) > 0
        delta[name] = np.bincount(place[first_of_pair], now.astype(np.int64) - was, len(first))
    changed = np.flatnonzero(_differs(delta))
    return _keys(facts[first[changed]], bucket[first[changed]], where, strings), delta[changed]


def _cells(columns: list[NDArray[Any]]) -> tuple[Index, Index]:
    """Index of each row's combination of ``columns``, and the first row of each combination."""
    key = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        values, rank = np.unique(column, return_inverse=True)
        key = key * len(values) + rank
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    return place, first


def _signed_sums(totals: Records, sign: NDArray[np.int8], place: Index, cells: int) -> Records:
    delta = np.zeros(cells, CELL)
    for name in CELL.names or ():
        values = totals[name] * (sign if totals[name].ndim == 1 else sign[:, None])
        flat = values.reshape(len(values), -1)
        sums = np.stack([np.bincount(place, column, cells) for column in flat.T], axis=-1)
        delta[name] = sums.reshape(delta[name].shape)
    return delta


def _differs(delta: Records) -> NDArray[np.bool_]:
    differs = np.zeros(len(delta), bool)
    for name in CELL.names or ():
        differs |= (delta[name] != 0).reshape(len(delta), -1).any(axis=1)
    return differs


def _keys(facts: Records, bucket: Index, where: tuple[str, int, str, tuple[str, ...]], strings: Strings) -> list[bytes]:
    grain, width_ms, scope, labels = where
    texts = [strings.take(facts[label]).tolist() if label in labels else [""] * len(facts) for label in LABELS]
    prefix = f"{grain}{SEPARATOR}{scope}{SEPARATOR}"
    times = (bucket * width_ms).tolist()
    return [
        f"{prefix}{time}{SEPARATOR}{SEPARATOR.join(labels_of)}".encode()
        for time, *labels_of in zip(times, *texts, strict=True)
    ]


def add(current: Records, delta: Records) -> Records:
    """Cells after a change; a cell without interactions is exactly zero."""
    total = current.copy()
    for name in CELL.names or ():
        total[name] += delta[name]
    for count, sums in (("n", ("sum", "sumsq")), ("answers", ("answer_sum", "answer_sumsq"))):
        for name in sums:
            total[name][total[count] == 0] = 0.0
    return total


def expiry_ms(key: bytes, settling_ms: int) -> int:
    """Watermark from which a cell can no longer change; ``settling_ms`` as of the policy."""
    grain, _, time, _ = key.split(_SEPARATOR_BYTES, 3)
    return int(time) + _WIDTHS[grain] + settling_ms
