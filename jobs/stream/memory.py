"""What a worker may use of memory, and how it keeps within: it takes no more records before there is none left.

State grows with the customers that a worker remembers, so any amount of memory can be used up. Above :data:`TAKEN` of
what it may use, a worker begins no flush; its buffers fill, and it fetches nothing more. Records stay in Kafka, the
state in its changelog: nothing is lost, and it goes on by itself once other workers have taken partitions over.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from jobs.stream.errors import NoRoomError
from jobs.stream.heap import give_back
from jobs.stream.signs import Signs

log = logging.getLogger(__name__)

TAKEN: Final = 0.75
"""Share of the memory above which no flush begins; the rest is for the flushes in hand."""
RESTORED: Final = 0.9
"""Share above which no state is restored: more than above, so that a worker can restore what it has written."""
LOOK_AGAIN_S: Final = 1.0
WHAT_TO_DO: Final = (
    "Start more workers (as many as there are partitions at most), or give this one more memory: the limit of its "
    "container, or PERCEPTION_WORKER__MEMORY_BYTES. Nothing is lost: records and state are in Kafka."
)
_STATM: Final = Path("/proc/self/statm")
_GROUPS: Final = Path("/proc/self/cgroup")
_CGROUPS: Final = Path("/sys/fs/cgroup")
_MEBIBYTE: Final = 1 << 20


def resident_bytes() -> int:
    """Memory that this process has now; 0 where the system does not tell (it is not Linux)."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def available_bytes(groups: Path = _GROUPS, mounted: Path = _CGROUPS) -> int:
    """What the process may use: the least limit of its control groups (a container's), else the machine's memory."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_limits(groups, mounted)])


def _limits(groups: Path, mounted: Path) -> Iterator[int]:
    """Of the group itself and of all above it, in both versions of control groups."""
    try:
        lines = groups.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers not in {"", "memory"}:
            continue
        root = mounted / controllers
        name = "memory.limit_in_bytes" if controllers else "memory.max"
        own = root / path.lstrip("/")
        for folder in (own, *own.parents):
            if folder.is_relative_to(root):
                yield from _limit(folder / name)


def _limit(file: Path) -> Iterator[int]:
    try:
        text = file.read_text().strip()
    except OSError:
        return
    if text.isdigit():
        yield int(text)


class Room:
    """The memory of this worker; ``allowed`` bytes, 0 = whatever there is, unwatched."""

    def __init__(self, signs: Signs, allowed: int, resident: Callable[[], int] = resident_bytes) -> None:
        self._signs = signs
        self._allowed = allowed
        self._resident = resident

    async def enough(self) -> None:
        """Return once there is memory for another flush; meanwhile the worker is not ready, and says why."""
        if not await self._above(TAKEN):
            return
        used = self._used()
        log.error("No more records are taken: %s.\nWhat to do: %s", used, WHAT_TO_DO)
        try:
            while await self._above(TAKEN):
                self._signs.full = f"no more records are taken: {self._used()}"
                await asyncio.sleep(LOOK_AGAIN_S)
        finally:
            self._signs.full = ""
        log.warning("Records are taken again: %s", self._used())

    async def restoring(self, what: str) -> None:
        """Refuse to restore beyond the limit. Raises :class:`NoRoomError`."""
        if await self._above(RESTORED):
            raise NoRoomError(f"{what} cannot be restored: {self._used()}", action=WHAT_TO_DO)

    async def _above(self, share: float) -> bool:
        """Whether more than a share is used, after what is free but kept was given back."""
        limit = share * self._allowed
        if not self._allowed or self._resident() <= limit:
            return False
        await asyncio.to_thread(give_back)
        return self._resident() > limit

    def _used(self) -> str:
        return f"{self._resident() / _MEBIBYTE:,.0f} of {self._allowed / _MEBIBYTE:,.0f} MiB of memory are in use"
