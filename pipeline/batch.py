"""What goes into the core and what comes out: raw records of one partition in, one flush out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Headers = Sequence[tuple[str, bytes]]
Columns = Mapping[str, Any]
"""Column name -> values of equal length (NumPy array, list, Texts or Maps), all columns of the declared table.

Times are epoch milliseconds. In a column declared Nullable, NaN (floats), -1 (integers and flags) or
-2**63 (times) mean NULL: the warehouse translates.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """A column of strings as codes: whoever writes it need not look at each string again."""

    codes: NDArray[np.integer[Any]]
    dictionary: NDArray[np.object_]
    """Distinct strings, among them any that no code names."""

    @classmethod
    def constant(cls, text: str, count: int) -> Texts:
        """The same string ``count`` times."""
        return cls(np.zeros(count, np.uint8), np.array([text], dtype=object))

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tolist())

    def tolist(self) -> list[str]:
        """The strings."""
        texts: list[str] = self.dictionary[self.codes].tolist()
        return texts

    def compact(self) -> tuple[NDArray[np.int64], list[str]]:
        """Codes into a list of only those strings that occur, and that list; linear, without a sort."""
        used = np.zeros(len(self.dictionary), dtype=bool)
        used[self.codes] = True
        rank = np.cumsum(used) - 1
        return rank[self.codes], self.dictionary[used].tolist()


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """A column of small maps: ``sizes`` entries per row, one after the other in ``keys`` and ``values``."""

    sizes: NDArray[np.int64]
    keys: Texts
    values: NDArray[np.float64] | Texts

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.tolist())

    def tolist(self) -> list[dict[str, Any]]:
        """The maps as dictionaries."""
        entries = list(zip(self.keys.tolist(), self.values.tolist(), strict=True))
        ends = np.cumsum(self.sizes).tolist()
        return [dict(entries[end - size : end]) for end, size in zip(ends, self.sizes.tolist(), strict=True)]

    def take(self, rows: NDArray[np.int64]) -> Maps:
        """The maps of some rows."""
        if len(rows) == len(self.sizes) and np.array_equal(rows, np.arange(len(rows))):
            return self
        sizes = self.sizes[rows]
        ends = np.cumsum(self.sizes)[rows]
        entries = np.repeat(ends - np.cumsum(sizes), sizes) + np.arange(int(sizes.sum()))
        keys = Texts(self.keys.codes[entries], self.keys.dictionary)
        if isinstance(self.values, Texts):
            return Maps(sizes, keys, Texts(self.values.codes[entries], self.values.dictionary))
        return Maps(sizes, keys, self.values[entries])


def concatenate(parts: Sequence[Columns]) -> Columns:
    """Several blocks of the same table as one."""
    if len(parts) == 1:
        return parts[0]
    return {name: _joined([part[name] for part in parts]) for name in parts[0]}


def _joined(values: Sequence[Any]) -> Any:
    if all(isinstance(value, np.ndarray) for value in values):
        return np.concatenate(values)
    if all(isinstance(value, Texts) for value in values):
        return _joined_texts(values)
    return [item for value in values for item in (value if isinstance(value, list) else value.tolist())]


def _joined_texts(values: Sequence[Texts]) -> Texts:
    """Columns with dictionaries of their own as one with the dictionary of all."""
    place: dict[str, int] = {}
    codes = []
    for value in values:
        own, texts = value.compact()
        codes.append(np.array([place.setdefault(text, len(place)) for text in texts], np.int64)[own])
    return Texts(np.concatenate(codes), _objects(list(place)))


def _objects(texts: Sequence[str]) -> NDArray[np.object_]:
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return array


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Consecutive records of one partition as the broker has them, in order of offset."""

    offsets: NDArray[np.int64]
    timestamps: NDArray[np.int64]
    """Broker append time, epoch milliseconds."""
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    headers: Sequence[Headers] | None = None
    """Per record; None where no record of the batch has any."""

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that the contract refuses, with what is needed to find, show and requeue it."""

    reason: str
    message: str
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Marker:
    """Where a flush ended: the link of the chain that recovery checks."""

    offset: int
    """Last log offset that the state includes; -1 before any."""
    previous: int
    """The offset of the marker before."""
    watermark_ms: int
    previous_watermark_ms: int


@dataclass(frozen=True, slots=True)
class Flush:
    """The effect of the records up to ``marker.offset``: apply it in the order changelog, rows, offset."""

    partition: int
    marker: Marker
    changes: Mapping[bytes, bytes | None]
    """Changelog records: dirty keys with their new value, None = forget. Includes the marker itself."""
    rows: Mapping[str, Columns]
    """Table name -> columns; retractions are rows with ``is_deleted`` = 1."""
    rejected: Sequence[Rejected]
    messages: Mapping[str, Sequence[tuple[bytes, bytes]]] = field(default_factory=dict)
    """Stream (``cells``, ``alerts``) -> key and value of records that go out with the changelog, or not at all."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """events, duplicates, conflicts, late, rejected, ticks, interactions, journeys, customers, cells: rows touched."""
