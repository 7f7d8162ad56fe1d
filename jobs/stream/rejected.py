"""Rejected records: their form in the rejected topic, and the share that stops the worker."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jobs.stream.errors import RejectedShareError
from pipeline.batch import Rejected

LARGEST_BYTES: Final = 900_000
"""Value bytes that surely fit into a record of the broker's default size together with headers."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One record of the rejected topic."""

    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def letter(rejected: Rejected, topic: str, partition: int) -> Letter:
    """The original bytes and headers, and why and where from.

    A value that would not fit is cut (header ``truncated`` = its full size); the original stays in the input topic.
    """
    headers = [
        *rejected.headers,
        ("reason", rejected.reason.encode()),
        ("message", rejected.message.encode()),
        ("topic", topic.encode()),
        ("partition", str(partition).encode()),
        ("offset", str(rejected.offset).encode()),
    ]
    value = rejected.value
    if value is not None and len(value) > LARGEST_BYTES:
        headers.append(("truncated", str(len(value)).encode()))
        value = value[:LARGEST_BYTES]
    return Letter(max(rejected.timestamp, 0), rejected.key, value, headers)


class RejectedShare:
    """Rejected records among the last ones of a worker, at least ``records`` of them."""

    def __init__(self, limit: float, records: int) -> None:
        self._limit = limit
        self._least = records
        self._seen: deque[tuple[int, int]] = deque()
        self._records = 0
        self._rejected = 0

    def judge(self, records: int, rejected: Sequence[Rejected]) -> None:
        """Take the counts of a flush. Raises :class:`RejectedShareError` when the share is above the limit."""
        self._seen.append((records, len(rejected)))
        self._records += records
        self._rejected += len(rejected)
        while self._records - self._seen[0][0] >= self._least:
            old_records, old_rejected = self._seen.popleft()
            self._records -= old_records
            self._rejected -= old_rejected
        if self._records >= self._least and self._rejected > self._limit * self._records:
            raise self._error(rejected)

    def _error(self, rejected: Sequence[Rejected]) -> RejectedShareError:
        last = f"; the last one: {rejected[-1].reason}: {rejected[-1].message}" if rejected else ""
        return RejectedShareError(
            f"{self._rejected} of the last {self._records} records were rejected, "
            f"more than the limit of {self._limit:.0%}{last}",
            action="Correct the producer (or the limits), or allow it with PERCEPTION_WORKER__REJECTED_SHARE_LIMIT=1.",
        )
