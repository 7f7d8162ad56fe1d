"""Signs of life of a worker, and what they mean: hung or not, ready or not. No clock, no I/O: ``now`` is an argument.

All times are seconds of one monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

FAILURE_FRESH_S: Final = 120.0
"""A failed insert says that the warehouse is down for so long; while records wait, another attempt comes sooner."""

Name = int | str
"""A partition of the input, or words for one of another topic."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """One assigned partition at one moment."""

    position: int
    """The next offset to process."""
    busy: bool
    """A flush is under way."""
    waiting: bool
    """Fetched records wait for a flush."""


@dataclass(frozen=True, slots=True)
class _Seen:
    glimpse: Glimpse
    marks: tuple[int, int]
    moved_at: float
    """When the position last moved, or nothing was left to do."""
    signed_at: float
    """When the flush under way last gave a sign: it is another one, or the warehouse was called or answered."""


@dataclass(slots=True)
class Signs:
    """What the event loop and the writers leave for the watchdog: plain attributes, each written by one side only."""

    hang_after_s: float
    stall_after_s: float
    beat_at: float
    calls: int = 0
    """Inserts begun and ended, failed ones too."""
    failed_at: float | None = None
    """When the warehouse last failed; None once it took rows again."""
    full: str = ""
    """Why no more records are taken; empty while there is memory."""
    restored: bool = False
    """All assigned partitions have their state."""
    _seen: Mapping[Name, _Seen] = field(default_factory=dict)

    def beat(self, now: float, glimpses: Mapping[Name, Glimpse], *, restored: bool) -> None:
        """The event loop runs, and its partitions look like this."""
        self._seen = {number: self._look(number, glimpse, now) for number, glimpse in glimpses.items()}
        self.restored = restored
        self.beat_at = now

    def _look(self, number: Name, glimpse: Glimpse, now: float) -> _Seen:
        marks, before = (glimpse.position, self.calls), self._seen.get(number)
        if before is None or not (glimpse.busy or glimpse.waiting):
            return _Seen(glimpse, marks, now, now)
        moved_at = now if glimpse.position != before.glimpse.position else before.moved_at
        signed = not glimpse.busy or not before.glimpse.busy or marks != before.marks
        return _Seen(glimpse, marks, moved_at, now if signed else before.signed_at)

    def hung(self, now: float) -> list[str]:
        """Why the worker does not live; empty if it does."""
        if now - self.beat_at > self.hang_after_s:
            return [f"the event loop has not run for {now - self.beat_at:.0f} s"]
        return [
            f"partition {number}: its flush has given no sign for {now - seen.signed_at:.0f} s"
            for number, seen in sorted(self._seen.items(), key=_order)
            if now - seen.signed_at > self.hang_after_s
        ]

    def unready(self, now: float) -> list[str]:
        """Why the worker makes no progress; empty if it does, or has nothing to do."""
        return list(self._unready(now))

    def _unready(self, now: float) -> Iterator[str]:
        yield from self.hung(now)
        if not self.restored:
            yield "partitions are being assigned or restored"
        if self.full:
            yield self.full
        if self.failed_at is not None and now - self.failed_at < FAILURE_FRESH_S:
            yield "the warehouse does not take rows"
        for number, seen in sorted(self._seen.items(), key=_order):
            if now - seen.moved_at > self.stall_after_s:
                yield f"partition {number}: no progress for {now - seen.moved_at:.0f} s while records wait"


def _order(seen: tuple[Name, _Seen]) -> tuple[bool, Name]:
    return isinstance(seen[0], str), seen[0]
