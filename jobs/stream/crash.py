"""Crash points for fault tests: the process kills itself at a named place of its work, as a power cut would.

Off unless the environment asks for it: ``PERCEPTION_CRASH_AT=after-changelog:3`` is the third time the worker has
written a changelog. It is no setting on purpose: nobody should meet it in a list of them.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Mapping
from typing import Final, Literal, get_args

from jobs.errors import SettingsError

log = logging.getLogger(__name__)

VARIABLE: Final = "PERCEPTION_CRASH_AT"
Point = Literal["before-changelog", "after-changelog", "amid-rows", "after-rows", "after-offset", "amid-takeover"]
POINTS: Final[tuple[Point, ...]] = get_args(Point)
Reach = Callable[[Point], None]
"""Called wherever the process may be asked to end."""


def nowhere(_: Point) -> None:
    """Go on."""


class CrashPoint:
    """Ends the process at the given passage of one point."""

    def __init__(self, point: Point, passage: int) -> None:
        self._point = point
        self._left = passage

    def reach(self, point: Point) -> None:
        """SIGKILL if this is it: no handler runs, nothing is flushed."""
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            log.critical("Crash point %s", point)
            os.kill(os.getpid(), signal.SIGKILL)


def crash_point(environment: Mapping[str, str]) -> Reach:
    """Where this process ends by itself; nowhere unless the environment names a point.

    Raises :class:`SettingsError` if it names one that does not exist.
    """
    given = environment.get(VARIABLE, "")
    if not given:
        return nowhere
    name, _, passage = given.partition(":")
    for point in POINTS:
        if point == name and (passage or "1").isdecimal():
            return CrashPoint(point, int(passage or 1)).reach
    raise SettingsError(
        f"{VARIABLE}={given} names no crash point",
        action=f"Unset it; for a test: POINT:PASSAGE, of {', '.join(POINTS)}.",
    )
