"""What a test leaves behind: threads and child processes that were not there before it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import psutil

GRACE_S = 3.0


@dataclass(frozen=True, slots=True)
class Census:
    """Threads (by identity) and child processes alive at one moment."""

    threads: frozenset[int]
    children: frozenset[int]

    @classmethod
    def take(cls) -> Census:
        """Count now."""
        threads = frozenset(id(thread) for thread in threading.enumerate())
        return cls(threads, frozenset(child.pid for child in _children()))

    def leftovers(self, grace_s: float = GRACE_S) -> list[str]:
        """Names of what is alive now and was not then, after giving it ``grace_s`` seconds to end."""
        deadline = time.monotonic() + grace_s
        while (found := self._new()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return found

    def _new(self) -> list[str]:
        threads = [f"thread {thread.name}" for thread in threading.enumerate() if id(thread) not in self.threads]
        children = [f"process {child.pid} {_name(child)}" for child in _children() if child.pid not in self.children]
        return threads + children


def _children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if _name(child)]


def _name(child: psutil.Process) -> str:
    """Command line of a child; empty if it has ended, whether or not anybody has waited for it."""
    try:
        ended = child.status() == psutil.STATUS_ZOMBIE
        return "" if ended else " ".join(child.cmdline()[:6]) or child.name()
    except psutil.NoSuchProcess:
        return ""
