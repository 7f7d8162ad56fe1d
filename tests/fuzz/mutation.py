"""Good bytes made bad: deterministic in the generator that is given, so that a finding can be repeated."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

TOKENS: Final = (
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"0", b"-1", b"1e999", b"-1e-999", b"9" * 400,
    b"\x00", b"\x1f", b"\x7f", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\\u0000",
    b"\\ud800", b"\\ud83d\\ude00", b"NaN", b"Infinity", b"2147483648", b"9223372036854775808", b"1e15", b"0.1",
    b"specversion", b"data_base64", b"1969-12-31T23:59:60Z", b"tick", b"answer", b"case", b"\xc2\x85", b"\xe2\x80\xa8",
)  # fmt: skip
_MOST_STEPS: Final = 6


def mutated(seed: bytes, draw: random.Random, others: Sequence[bytes]) -> bytes:
    """``seed`` with a few pieces changed, cut out, doubled, swapped, or crossed with one of ``others``."""
    value = bytearray(seed)
    for _ in range(1 + draw.randrange(_MOST_STEPS)):
        _step(value, draw, others)
    return bytes(value)


def _step(value: bytearray, draw: random.Random, others: Sequence[bytes]) -> None:
    at = draw.randrange(len(value) + 1)
    end = min(len(value), at + draw.choice((0, 1, 1, 2, 4, 8, 32)))
    kind = draw.randrange(7)
    if kind == 0 and value:
        value[at % len(value)] ^= 1 << draw.randrange(8)
    elif kind == 1:
        value[at:end] = draw.randbytes(end - at)
    elif kind == 2:
        value[at:end] = draw.choice(TOKENS)
    elif kind == 3:
        del value[at:end]
    elif kind == 4:
        value[at:at] = value[at:end] * draw.choice((1, 2, 16, 200))
    elif kind == 5:
        other = draw.choice(others)
        start = draw.randrange(len(other) + 1)
        value[at:end] = other[start : start + draw.choice((1, 8, 64, len(other)))]
    else:
        del value[at:]
