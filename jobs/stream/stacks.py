"""Where every thread and every task stands: file, line and function, never values."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import Iterator
from types import CoroutineType
from typing import Any, Final

FRAMES: Final = 40


def stacks(loop: asyncio.AbstractEventLoop) -> str:
    """All stacks as one text, threads first. Safe to call from any thread."""
    return "\n".join([*_threads(), *_tasks(loop)])


def _threads() -> Iterator[str]:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():  # noqa: SLF001  (the documented way)
        yield f"thread {names.get(ident, ident)}:\n" + "".join(traceback.format_stack(frame, FRAMES)).rstrip()


def _tasks(loop: asyncio.AbstractEventLoop) -> Iterator[str]:
    for task in asyncio.all_tasks(loop):
        yield f"task {task.get_name()}:\n" + "\n".join(_awaited(task.get_coro()))


def _awaited(awaited: Any) -> Iterator[str]:
    """The chain of coroutines from the task's own to the innermost, one line each."""
    for _ in range(FRAMES):
        if not isinstance(awaited, CoroutineType):
            return
        frame, code = awaited.cr_frame, awaited.cr_code
        yield f'  File "{code.co_filename}", line {frame.f_lineno if frame else 0}, in {code.co_qualname}'
        awaited = awaited.cr_await
