"""The effect of a flush, in the order that is the guarantee."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from jobs.stream.changelog import Changelog
from jobs.stream.crash import Reach, nowhere
from jobs.stream.fragments import Fragments
from jobs.stream.rejected import letter
from jobs.stream.rows import Rows
from pipeline.batch import Flush

Commit = Callable[[int], Awaitable[bool]]
"""Commit the next offset to read; False if the consumer group has been rebalanced meanwhile."""


@dataclass(frozen=True, slots=True)
class Effects:
    """Where the effects of one partition go."""

    topic: str
    partition: int
    changelog: Changelog
    rows: Rows
    commit: Commit
    streams: Mapping[str, str] = field(default_factory=dict)
    """Stream of messages -> its topic."""
    fragments: Fragments = field(default_factory=Fragments)
    """Values that are too large for one record of the changelog."""
    reach: Reach = nowhere

    async def apply(self, flush: Flush) -> bool:
        """Make a flush take effect. True once it is confirmed; False if the offset could not be committed.

        No row or message exists that the changelog does not imply: whoever takes over after a crash between the
        steps finds the marker beyond the committed offset and writes the rows again, with the same versions.
        """
        letters = [letter(rejected, self.topic, self.partition) for rejected in flush.rejected]
        messages = [(self.streams[name], *one) for name, records in flush.messages.items() for one in records]
        self.reach("before-changelog")
        # 1. State: all changes, the marker, rejected records and messages, in one transaction that fences the past.
        await self.changelog.write(self.fragments.split(flush.changes), letters, messages)
        self.reach("after-changelog")
        # 2. Rows: idempotent by version.
        await self.rows.write(flush.rows)
        self.reach("after-rows")
        # 3. Offset: only now may the next flush begin.
        confirmed = await self.commit(flush.marker.offset + 1)
        self.reach("after-offset")
        return confirmed
