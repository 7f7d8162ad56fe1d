"""The allocator takes what is asked of it."""

from __future__ import annotations

import platform

from jobs.stream.heap import keep_freed_memory


def test_glibc_takes_all_options() -> None:
    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")
