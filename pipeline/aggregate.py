"""Cells: totals of interaction scores and answers per scope and time bucket, kept exact under changing facts.

A customer's contribution to a cell is a function of that customer's interactions; when they change, the old
contribution is taken back and the new one added. An interaction belongs to the bucket of its start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.policy import DAY_MS, HOUR_MS
from pipeline.records import copied, joined
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
_GRAIN_NAMES: Final = tuple(name for name, _ in GRAINS)
_GRAIN_MS: Final = np.array([width_ms for _, width_ms in GRAINS], np.int64)
_SCOPE_NAMES: Final = tuple(name for name, _ in SCOPES)
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
    """What interactions give to cells: who, when and where they were, and ``totals`` (dtype CELL, one each).

    ``totals["customers"]`` and ``["answer_customers"]`` are 1 where the interaction counts for its customer.
    """

    where: Mapping[str, NDArray[Any]]
    """Columns of their PIECE records: customer, start_ms and LABELS."""
    totals: Records

    def joined(self, other: Contributions) -> Contributions:
        """These, then the others."""
        where = {name: np.concatenate((column, other.where[name])) for name, column in self.where.items()}
        return Contributions(where, joined((self.totals, other.totals)))


def contributions(
    facts: Records, chosen: Index, evidence: Any, scores: NDArray[np.float64], observations: Any
) -> Contributions:
    """Contributions of the ``chosen`` of ``facts`` (dtype PIECE).

    Of the chosen are their undecayed evidence, their scores (chosen, 3) and their observations.
    """
    totals = np.zeros(len(chosen), CELL)
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
    return Contributions({name: facts[name][chosen] for name in ("customer", "start_ms", *LABELS)}, totals)


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
