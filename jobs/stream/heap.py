"""Keep freed memory for the next flush: else glibc gives large arrays back, and every flush pays to fault them in.

Values are those of ``mallopt(3)``. On another C library nothing happens.
"""

from __future__ import annotations

import ctypes
import gc
from typing import Final

_MEBIBYTE: Final = 1 << 20
_OPTIONS: Final = (
    (-8, 1),  # M_ARENA_MAX: one heap for all threads, so that what one has freed serves the next
    (-1, 256 * _MEBIBYTE),  # M_TRIM_THRESHOLD: so much may lie free at the end of the heap
    (-2, 16 * _MEBIBYTE),  # M_TOP_PAD: the heap grows by so much
    (-3, 32 * _MEBIBYTE),  # M_MMAP_THRESHOLD: smaller blocks come from the heap; its largest value
)


def keep_freed_memory() -> bool:
    """Set the options of this process; whether all were taken."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is None:
        return False
    taken = [set_option(option, value) == 1 for option, value in _OPTIONS]
    return all(taken)


def give_back() -> None:
    """Give the system what is free: cycles of objects are collected, free pages returned."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
