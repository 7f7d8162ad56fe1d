"""Who holds an embedded store: one process at a time, by a lock that the kernel frees when that process dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from jobs.warehouse.errors import WarehouseBusyError, WarehouseTerminalError

LOCK: Final = "lock"
ENGINE: Final = "store"
"""Directory of the engine's own files inside the store's directory."""
READING_WAIT_S: Final = 10.0
"""How long a writer waits for a holder that only reads (a query, usually)."""
_PAUSE_S: Final = 0.05


def hold(directory: Path, *, create: bool, read_only: bool) -> int:
    """Take the lock; returns its file descriptor, to be closed when done.

    Raises:
        WarehouseBusyError: another process, or this one, holds it.
        WarehouseTerminalError: there is no store and ``create`` is false, or the directory cannot be used.
    """
    if not create and not (directory / ENGINE).is_dir():
        raise WarehouseTerminalError(
            f"there is no embedded store at {directory}",
            action="Run `perception warehouse migrate` or `perception replay` first, or name another --warehouse.",
        )
    lock = _opened(directory)
    deadline = time.monotonic() + READING_WAIT_S
    while not _locked(lock):
        holder, mode = _holder(lock)
        patient = not read_only and mode == "reading" and holder != os.getpid() and time.monotonic() < deadline
        if not patient:
            os.close(lock)
            who = "this process" if holder == os.getpid() else f"process {holder}"
            raise WarehouseBusyError(f"the embedded store {directory} is held by {who}")
        time.sleep(_PAUSE_S)
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()} {'reading' if read_only else 'writing'}\n".encode(), 0)
    return lock


def _opened(directory: Path) -> int:
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        action = "Choose a directory that you may write to."
        raise WarehouseTerminalError(f"cannot use {directory}: {error.strerror}", action=action) from error


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(lock: int) -> tuple[int, str]:
    pid, _, mode = os.pread(lock, 64, 0).decode(errors="replace").strip().partition(" ")
    return (int(pid) if pid.isdigit() else 0), mode
