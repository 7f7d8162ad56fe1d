"""Variable-length integers of the Native format (LEB128, seven bits a byte, low bits first)."""

from __future__ import annotations


def varint(value: int) -> bytes:
    """Encode a non-negative integer."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def prefixed(data: bytes) -> bytes:
    """``data`` after its length."""
    return varint(len(data)) + data
