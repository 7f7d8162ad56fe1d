"""Decompression that ends: a batch of a few kilobytes can hold gigabytes, and aiokafka would make them all.

aiokafka 0.14 decompresses a batch when its records are asked for, by the functions replaced here (a contract test
says if that changes). A batch that holds more than the limit raises :class:`ExpandsError` instead.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Final

import cramjam
import numpy as np
from aiokafka import codec
from aiokafka.record import default_records, legacy_records
from aiokafka.record._crecords import default_records as fast_default_records
from aiokafka.record._crecords import legacy_records as fast_legacy_records

_GZIP: Final = 31
"""zlib's name for a gzip stream."""
_LZ4_MOST: Final = 255
"""No byte of LZ4 becomes more bytes than this."""
_MODULES: Final = (default_records, legacy_records, fast_default_records, fast_legacy_records)

Decode = Callable[[Any], bytes]


class ExpandsError(Exception):
    """A compressed batch holds more than the limit; ``payload`` is the batch as it came, compressed."""

    def __init__(self, kind: str, limit: int, payload: bytes) -> None:
        super().__init__(f"a {kind} batch of {len(payload):,} bytes holds more than {limit:,}")
        self.payload = payload


def decoders(limit: int) -> dict[str, Decode]:
    """aiokafka's decoders by name, none of which makes more than ``limit`` bytes."""
    return {
        "gzip_decode": lambda payload: _gzip(bytes(payload), limit),
        "snappy_decode": lambda payload: _snappy(bytes(payload), limit),
        "lz4_decode": lambda payload: _lz4(bytes(payload), limit),
        "zstd_decode": lambda payload: _into(cramjam.zstd, "zstd", bytes(payload), limit),
    }


def bound(limit: int) -> None:
    """Let every consumer of this process decompress with a limit, in bytes."""
    for name, decode in decoders(limit).items():
        for module in _MODULES:
            if hasattr(module, name):
                setattr(module, name, decode)


def _gzip(payload: bytes, limit: int) -> bytes:
    """All members of the stream."""
    made, rest = b"", payload
    while rest:
        member = zlib.decompressobj(_GZIP)
        made += member.decompress(rest, limit + 1 - len(made))
        if len(made) > limit:
            raise ExpandsError("gzip", limit, payload)
        if not member.eof:
            raise EOFError("a gzip batch ends too early")
        rest = member.unused_data
    return made


def _lz4(payload: bytes, limit: int) -> bytes:
    if len(payload) * _LZ4_MOST <= limit:
        return bytes(codec.lz4_decode(payload))
    return _into(cramjam.lz4, "lz4", payload, limit)


def _snappy(payload: bytes, limit: int) -> bytes:
    """Its blocks say beforehand what they hold; memory is taken for what they say."""
    if sum(_snappy_sizes(payload)) > limit:
        raise ExpandsError("snappy", limit, payload)
    return bytes(codec.snappy_decode(payload))


def _snappy_sizes(payload: bytes) -> list[int]:
    if not codec._detect_xerial_stream(payload):  # noqa: SLF001  (the frame around the blocks, as aiokafka reads it)
        return [_varint(payload)]
    sizes, place = [], 16
    while place + 4 < len(payload):
        sizes.append(_varint(payload[place + 4 : place + 9]))
        place += 4 + max(int.from_bytes(payload[place : place + 4]), 1)
    return sizes


def _varint(data: bytes) -> int:
    """The size at the beginning of a block: seven bits a byte, the lowest first."""
    value = 0
    for shift, byte in enumerate(data[:5]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            break
    return value


def _into(kind: Any, name: str, payload: bytes, limit: int) -> bytes:
    """Decompress into a space of the limit's size, of which only what is written takes memory."""
    space = np.empty(limit + 1, np.uint8)
    try:
        size = int(kind.decompress_into(payload, space))
    except cramjam.DecompressionError as error:
        if "whole buffer" in str(error):
            raise ExpandsError(name, limit, payload) from None
        raise
    if size > limit:
        raise ExpandsError(name, limit, payload)
    return space[:size].tobytes()
