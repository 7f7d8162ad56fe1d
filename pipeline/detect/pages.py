"""Pages: the totals of all cells of one bucket, of one source partition or of all together."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.aggregate import CELL, GRAINS, LABELS, SCOPES, SEPARATOR, add
from pipeline.cells import BlockError, columns, from_columns
from pipeline.detect.series import Scope
from pipeline.records import extended, pick, put

Records = NDArray[Any]
_SEPARATOR: Final = SEPARATOR.encode()
_NAMES: Final = b"\x1e"
_HEAD: Final = struct.Struct("<II")
_FAST: Final = 1
"""zlib level: pages are written often and read seldom."""
_USED: Final = {name.encode(): labels for name, labels in SCOPES}
WIDTHS: Final = dict(GRAINS)
"""Grain -> width of its buckets, milliseconds."""


def by_bucket(rows: Mapping[bytes, int]) -> dict[tuple[str, int], tuple[list[bytes], list[int]]]:
    """Grain and start of the bucket -> names of cells (scope and labels), and their rows, from rows by state key.

    BlockError if a key is none of a cell.
    """
    found: dict[tuple[str, int], tuple[list[bytes], list[int]]] = {}
    cells_of: dict[tuple[bytes, bytes], tuple[list[bytes], list[int]]] = {}
    key = b""
    try:
        for key, row in rows.items():
            grain, scope, time, labels = key.split(_SEPARATOR, 3)
            cells = cells_of.get((grain, time))
            if cells is None:
                cells = cells_of[grain, time] = found.setdefault((grain.decode(), int(time)), ([], []))
            cells[0].append(scope + _SEPARATOR + labels)
            cells[1].append(row)
    except ValueError as error:
        raise BlockError(f"{key[:60]!r} is no key of a cell") from error
    return found


def scope_of(name: bytes) -> Scope | None:
    """The scope of a cell's name; None if a label that it is split by is not given: that is no scope to watch."""
    kind, *labels = name.split(_SEPARATOR)
    given = dict(zip(LABELS, (label.decode() for label in labels), strict=True))
    return Scope(**given) if all(given[label] for label in _USED[kind]) else None


class Page:
    """Totals by name of the cell; a newer total replaces the older one."""

    def __init__(self, names: Sequence[bytes] = (), totals: Records | None = None) -> None:
        self._place = {name: at for at, name in enumerate(names)}
        self._totals = np.zeros(0, CELL) if totals is None else totals

    @property
    def names(self) -> list[bytes]:
        """Names of the cells."""
        return list(self._place)

    @property
    def totals(self) -> Records:
        """Dtype CELL, parallel to the names."""
        return self._totals[: len(self._place)]

    def put(self, names: Sequence[bytes], totals: Records) -> None:
        """Replace or add cells."""
        places = [self._place.setdefault(name, len(self._place)) for name in names]
        if len(self._place) > len(self._totals):
            self._totals = extended(self._totals, max(len(self._totals), len(self._place) - len(self._totals)))
        put(self._totals, np.array(places, np.int64), totals)

    def pack(self) -> bytes:
        """For the state."""
        names = _NAMES.join(self._place)
        return zlib.compress(_HEAD.pack(len(self._place), len(names)) + names + columns(self.totals), _FAST)


def unpack(value: bytes) -> Page:
    """A page of the state."""
    data = zlib.decompress(value)
    count, size = _HEAD.unpack_from(data)
    body = _HEAD.size + size
    return Page(data[_HEAD.size : body].split(_NAMES) if count else [], from_columns(data[body:], count))


def merged(pages: Iterable[Page]) -> Page:
    """Several partitions' pages of a bucket as one, without empty cells: customers live in one partition each."""
    place: dict[bytes, int] = {}
    parts = [([place.setdefault(name, len(place)) for name in page.names], page.totals) for page in pages]
    total = np.zeros(len(place), CELL)
    for places, totals in parts:
        at = np.array(places, np.int64)
        put(total, at, add(pick(total, at), totals))
    kept = np.flatnonzero(total["interactions"] > 0)
    names = list(place)
    return Page([names[at] for at in kept.tolist()], pick(total, kept))
