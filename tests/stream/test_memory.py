"""How much memory there is, and what a worker does without: told, awaited, refused."""

from __future__ import annotations

import asyncio
import mmap
import os
from pathlib import Path

import pytest

from jobs.stream.errors import NoRoomError
from jobs.stream.memory import Room, available_bytes, resident_bytes
from jobs.stream.signs import Signs

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
MEBIBYTE = 1 << 20


def limited(root: Path, own: str, limits: dict[str, str]) -> int:
    """What is available to a process in the control group ``own`` with these files."""
    groups = root / "cgroup"
    groups.write_text(own)
    for name, text in limits.items():
        file = root / "sys" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    return available_bytes(groups, root / "sys")


@pytest.mark.parametrize(
    ("own", "limits", "available"),
    [
        ("0::/\n", {"memory.max": "1048576"}, 1_048_576),
        ("0::/a/b\n", {"a/b/memory.max": "max", "a/memory.max": "2097152"}, 2_097_152),
        ("0::/a/b\n", {"a/b/memory.max": "3145728", "a/memory.max": "2097152"}, 2_097_152),
        ("5:cpu:/x\n4:memory:/a\n", {"memory/a/memory.limit_in_bytes": "1048576", "memory.max": "1"}, 1_048_576),
        ("4:memory:/a\n", {"memory/a/memory.limit_in_bytes": "9223372036854771712"}, MACHINE),
        ("0::/elsewhere\n", {}, MACHINE),
    ],
)
def test_the_least_limit_of_the_control_groups_counts(
    tmp_path: Path, own: str, limits: dict[str, str], available: int
) -> None:
    assert limited(tmp_path, own, limits) == available


def test_without_control_groups_it_is_the_machine(tmp_path: Path) -> None:
    assert available_bytes(tmp_path / "none", tmp_path) == MACHINE


def test_resident_memory_grows_with_what_is_kept() -> None:
    before = resident_bytes()
    with mmap.mmap(-1, 64 * MEBIBYTE) as kept:  # new pages: a heap that others have left may hold as much already
        kept.write(b"x" * len(kept))
        grown = resident_bytes() - before
    assert grown > 60 * MEBIBYTE


def test_a_restore_is_refused_above_its_limit_and_says_what_to_do() -> None:
    signs = Signs(20, 60, 0)
    asyncio.run(Room(signs, 100 * MEBIBYTE, lambda: 90 * MEBIBYTE).restoring("log[3]"))
    with pytest.raises(NoRoomError, match=r"log\[3\] cannot be restored: 91 of 100 MiB of memory are in use") as caught:
        asyncio.run(Room(signs, 100 * MEBIBYTE, lambda: 91 * MEBIBYTE).restoring("log[3]"))
    assert "PERCEPTION_WORKER__MEMORY_BYTES" in caught.value.action


def test_what_is_free_but_kept_is_given_back_before_anything_stops() -> None:
    answers = iter([80, 70])
    signs = Signs(20, 60, 0)
    asyncio.run(Room(signs, 100, lambda: next(answers)).enough())
    assert next(answers, None) is None
    assert signs.full == ""


def test_where_memory_is_not_told_nothing_is_watched() -> None:
    asyncio.run(Room(Signs(20, 60, 0), 100, lambda: 0).enough())
