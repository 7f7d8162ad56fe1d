"""Totals of cells as they are kept: in blocks of one time bucket, so that a changelog record holds many cells.

A block has up to :data:`BLOCK` cells in the order in which they first appeared. Its state key is ``c``, grain, bucket
and its number within the bucket, separated; its value, after the stamp, the number of cells, their totals (dtype
CELL) and their keys. A bucket expires as a whole.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.aggregate import CELL, SEPARATOR, Cells, add, bucket_of, check_keys
from pipeline.ordering import order_of
from pipeline.records import extended, pick, put
from pipeline.state import payload_of, stamp_of, stamped
from pipeline.statechecks import StateError

Records = NDArray[Any]
Index = NDArray[np.int64]

CELL_KEY: Final = b"c"
BLOCK: Final = 64
"""Cells of a block. More: fewer changelog records; fewer: less is written again for one cell that changes."""

_COUNT: Final = struct.Struct("<H")
_BETWEEN: Final = b"\x1e"
_SEPARATOR: Final = SEPARATOR.encode()


class _Bucket(NamedTuple):
    """Where the cells of a time bucket are."""

    prefix: bytes
    """State key of its blocks, without the number."""
    blocks: list[int]


class CellStore:
    """Cells by their key; block b has the places b·BLOCK and following of one array of totals."""

    def __init__(self) -> None:
        self._place: dict[bytes, int] = {}
        self._totals = np.zeros(0, CELL)
        self._keys: list[list[bytes]] = []
        self._state_key: list[bytes] = []
        self._stamp: list[int] = []
        self._free: list[int] = []
        self._buckets: dict[bytes, _Bucket] = {}

    def restore(self, state_key: bytes, value: bytes) -> bytes | None:
        """Take a stored block in; its bucket if it is a new one. Raises :class:`pipeline.state.StateError`."""
        payload = payload_of(value)
        try:
            (count,) = _COUNT.unpack_from(payload)
            totals = np.frombuffer(payload, CELL, count, _COUNT.size)
            keys = payload[_COUNT.size + count * CELL.itemsize :].split(_BETWEEN)
            prefix = state_key[: state_key.rindex(_SEPARATOR) + 1]
            check_keys(keys)
            stamp = stamp_of(value)
        except (struct.error, ValueError, KeyError) as error:
            raise StateError(f"unreadable block of cells: {type(error).__name__}") from None
        if len(keys) != count or count > BLOCK:
            raise StateError(f"unreadable block of cells: {len(keys)} keys for {count} cells")
        fresh = prefix not in self._buckets
        block = self._new_block(state_key)
        self._buckets.setdefault(prefix, _Bucket(prefix, [])).blocks.append(block)
        self._keys[block], self._stamp[block] = keys, stamp
        first = block * BLOCK
        self._totals[first : first + count] = totals
        self._place |= zip(keys, range(first, first + count), strict=True)
        return prefix if fresh else None

    def add(self, cells: Cells, delta: Records, stamp: int) -> tuple[Records, list[bytes]]:
        """Add to cells, new ones begin at zero; returns the new totals and the state keys of buckets that are new."""
        places = np.fromiter(map(self._place.get, cells.keys, repeat(-1)), np.int64, len(cells.keys))
        unknown = np.flatnonzero(places < 0)
        fresh: list[bytes] = []
        if len(unknown):
            places[unknown], fresh = self._placed(cells, unknown)
        totals = add(pick(self._totals, places), delta)
        put(self._totals, places, totals)
        for block in np.unique(places // BLOCK).tolist():
            self._stamp[block] = stamp
        return totals, fresh

    def _placed(self, cells: Cells, unknown: Index) -> tuple[Index, list[bytes]]:
        """Places for the cells ``unknown``, bucket by bucket; and the prefixes of buckets that are new."""
        grain, time = cells.grain[unknown], cells.bucket_ms[unknown]
        order = order_of(grain, time)
        ordered = unknown[order]
        keys = [cells.keys[at] for at in ordered.tolist()]
        begins = np.flatnonzero((np.diff(grain[order], prepend=-1) != 0) | (np.diff(time[order], prepend=-1) != 0))
        ends = [*begins[1:].tolist(), len(keys)]
        fresh: list[bytes] = []
        places: list[range] = []
        for begin, end in zip(begins.tolist(), ends, strict=True):
            bucket = self._bucket(keys[begin], fresh)
            places += self._append(bucket, keys[begin:end])
        found = np.fromiter(chain.from_iterable(places), np.int64, len(keys))
        self._place |= zip(keys, found.tolist(), strict=True)
        back = np.empty(len(keys), np.int64)
        back[order] = found
        return back, fresh

    def _bucket(self, key: bytes, fresh: list[bytes]) -> _Bucket:
        prefix = CELL_KEY + bucket_of(key)
        bucket = self._buckets.get(prefix)
        if bucket is None:
            bucket = self._buckets[prefix] = _Bucket(prefix, [])
            fresh.append(prefix)
        return bucket

    def _append(self, bucket: _Bucket, keys: list[bytes]) -> Iterator[range]:
        """Put cells at the end of a bucket; their places, in order."""
        at = 0
        while at < len(keys):
            if not bucket.blocks or len(self._keys[bucket.blocks[-1]]) == BLOCK:
                bucket.blocks.append(self._new_block(bucket.prefix + b"%d" % len(bucket.blocks)))
            block = bucket.blocks[-1]
            own = self._keys[block]
            first = block * BLOCK + len(own)
            taken = keys[at : at + BLOCK - len(own)]
            own += taken
            at += len(taken)
            yield range(first, first + len(taken))

    def _new_block(self, state_key: bytes) -> int:
        if self._free:
            block = self._free.pop()
            self._state_key[block] = state_key
            return block
        block = len(self._keys)
        self._keys.append([])
        self._state_key.append(state_key)
        self._stamp.append(-1)
        if (block + 1) * BLOCK > len(self._totals):
            self._totals = extended(self._totals, max(len(self._totals), 16 * BLOCK))
        return block

    def written(self, stamp: int) -> Iterator[tuple[bytes, bytes]]:
        """State keys and values of the blocks with this stamp."""
        prefix = stamped(stamp, b"")
        for block, own in enumerate(self._stamp):
            if own == stamp and self._keys[block]:
                keys = self._keys[block]
                totals = self._totals[block * BLOCK : block * BLOCK + len(keys)]
                parts = (prefix, _COUNT.pack(len(keys)), totals.tobytes(), _BETWEEN.join(keys))
                yield self._state_key[block], b"".join(parts)

    def remove(self, prefix: bytes, stamp: int) -> list[bytes] | None:
        """Forget a bucket: the state keys of its blocks. None, nothing done, if a flush with this stamp changed it."""
        blocks = self._buckets[prefix].blocks
        if any(self._stamp[block] == stamp for block in blocks):
            return None
        for block in blocks:
            for key in self._keys[block]:
                del self._place[key]
            self._totals[block * BLOCK : (block + 1) * BLOCK] = np.zeros((), CELL)
            self._keys[block], self._stamp[block] = [], -1
        self._free += blocks
        del self._buckets[prefix]
        return [self._state_key[block] for block in blocks]

    def above(self, offset: int) -> tuple[list[bytes], Records]:
        """Keys and totals of all cells in blocks that a flush after ``offset`` has written."""
        blocks = [block for block, stamp in enumerate(self._stamp) if stamp > offset and self._keys[block]]
        keys = [key for block in blocks for key in self._keys[block]]
        places = np.fromiter((self._place[key] for key in keys), np.int64, len(keys))
        return keys, pick(self._totals, places)
