"""Cells on the wire: what a flush changed, as one block of columns or a few.

A block holds cumulative totals of one source partition, so a newer block replaces an older one and a repeat changes
nothing. Layout, little endian: ``C1``, flags (bit 0: last block of its flush), bytes per cell (u2), version (i8, the
log offset of the flush), watermark (i8, ms), cells (u4), bytes of all keys (u4), the keys, then every column of the
totals. A key is grain, scope, bucket and labels, as in the state.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.aggregate import CELL

Records = NDArray[Any]

CELLS_IN_BLOCK: Final = 2_000
"""More cells make another block: a block stays below half a mebibyte."""
_KEYS: Final = b"\x1e"
_HEAD: Final = struct.Struct("<2sBHqqII")
_MAGIC: Final = b"C1"
_LAST: Final = 1


class BlockError(ValueError):
    """A block that cannot be read.

    Operator action: something else writes to the topic, or another version did; stop it, then start detection under
    a new application id.
    """


@dataclass(frozen=True, slots=True)
class Block:
    """Cells of one flush of one source partition."""

    version: int
    """Log offset of the flush."""
    watermark_ms: int
    """Watermark of the partition after it; it holds once the last block is known."""
    last: bool
    keys: list[bytes]
    totals: Records
    """Dtype CELL, parallel to the keys."""


def block_key(source: str, partition: int) -> bytes:
    """Key of a record: who counted (an application id), and in which partition of the input."""
    return f"{source}/{partition}".encode()


def partition_of_key(key: bytes | None, source: str) -> int | None:
    """The partition of a record of ``source``; None if it is of another one."""
    name, _, number = (key or b"").decode(errors="replace").rpartition("/")
    return int(number) if name == source and number.isdecimal() else None


def encode(keys: Sequence[bytes], totals: Records, version: int, watermark_ms: int) -> list[bytes]:
    """Blocks of a flush, at least one: a flush that changed no cell still moves the watermark."""
    starts = range(0, max(len(keys), 1), CELLS_IN_BLOCK)
    return [
        _block(
            keys[at : at + CELLS_IN_BLOCK], totals[at : at + CELLS_IN_BLOCK], version, watermark_ms, at == starts[-1]
        )
        for at in starts
    ]


def _block(keys: Sequence[bytes], totals: Records, version: int, watermark_ms: int, last: bool) -> bytes:
    joined = _KEYS.join(keys)
    flags = _LAST if last else 0
    head = _HEAD.pack(_MAGIC, flags, CELL.itemsize, version, watermark_ms, len(keys), len(joined))
    return head + joined + columns(totals)


def decode(value: bytes) -> Block:
    """The block of a record; BlockError if it is none."""
    try:
        magic, flags, width, version, watermark_ms, count, size = _HEAD.unpack_from(value)
    except struct.error as error:
        raise BlockError(f"a block of {len(value)} bytes has no head") from error
    if magic != _MAGIC or width != CELL.itemsize or len(value) != _HEAD.size + size + count * width:
        raise BlockError(f"a block that begins with {value[:5]!r} is of another version")
    body = _HEAD.size + size
    keys = value[_HEAD.size : body].split(_KEYS) if count else []
    if len(keys) != count:
        raise BlockError(f"a block of {count} cells has {len(keys)} keys")
    return Block(version, watermark_ms, bool(flags & _LAST), keys, from_columns(value[body:], count))


def columns(totals: Records) -> bytes:
    """Totals one column after the other: equal values lie together and compress well."""
    return b"".join(np.ascontiguousarray(totals[name].T).tobytes() for name in CELL.names or ())


def from_columns(data: bytes, count: int) -> Records:
    """Back to totals."""
    totals, at = np.zeros(count, CELL), 0
    for name in CELL.names or ():
        part = CELL[name]
        lines = part.shape[0] if part.shape else 1
        values = np.frombuffer(data, part.base, count * lines, at)
        totals[name] = values.reshape(lines, count).T if part.shape else values
        at += values.nbytes
    return totals
