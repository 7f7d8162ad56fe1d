"""Records as the consumer hands them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class Given:
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def record(offset: int, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]] = ()) -> Given:
    return Given(offset, offset * 10, key, value, headers)
