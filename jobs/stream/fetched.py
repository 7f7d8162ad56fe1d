"""A fetched batch of one partition: what the transport hands to the agent as one event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.stream.chunks import Chunk


@dataclass(frozen=True, slots=True)
class Fetched:
    """Consecutive records of a partition; ``start`` links them to the batch before."""

    partition: int
    epoch: int
    """Counts the times that positions were set: batches of another epoch are stale."""
    start: int
    """Log position before the first record: equals the ``following`` of the batch before."""
    chunks: Sequence[Chunk]
    """At least one."""
    behind: bool = False
    """More records lay in the log when this batch was fetched."""

    @property
    def following(self) -> int:
        """Log position after the last record."""
        return self.chunks[-1].offset + 1

    @property
    def bytes(self) -> int:
        """Size of all values."""
        return sum(chunk.bytes for chunk in self.chunks)

    @property
    def records(self) -> int:
        """Their number."""
        return sum(map(len, self.chunks))
