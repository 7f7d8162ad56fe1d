"""The chain of markers in a changelog: every flush ends with one, and names the one before."""

from __future__ import annotations

from typing import Final

from jobs.stream.errors import BrokenChainError, UnreadableStateError
from pipeline.batch import Marker
from pipeline.statechecks import StateError
from pipeline.store import MARKER_KEY, unpack_marker

_REBUILD: Final = (
    "Keep the changelog for analysis; rebuild under a new application id: it reads the input topic from the start "
    "and writes the same rows."
)


class Chain:
    """Follows the markers of one changelog partition in order.

    Compaction removes older markers, so the first one seen may have any predecessor; from there on none is missing.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.last: Marker | None = None
        self._ended = True

    def record(self, key: bytes, value: bytes | None) -> None:
        """Take the next changelog record, in log order.

        Raises :class:`UnreadableStateError` or :class:`BrokenChainError`.
        """
        self._ended = key == MARKER_KEY
        if self._ended:
            self._follow(self._marker(value))

    def finish(self) -> None:
        """The log is at its end: a flush must be, too."""
        if not self._ended:
            raise BrokenChainError(
                f"{self._name} does not end with the marker of a flush: something else wrote to it", action=_REBUILD
            )

    def _marker(self, value: bytes | None) -> Marker:
        try:
            return unpack_marker(value or b"")
        except StateError as error:
            raise UnreadableStateError(f"{self._name}: {error}", action=_REBUILD) from error

    def _follow(self, marker: Marker) -> None:
        last = self.last
        if last is not None and (marker.previous != last.offset or marker.offset <= last.offset):
            raise BrokenChainError(
                f"{self._name}: the flush that ends at offset {marker.offset} follows one that ended at "
                f"{marker.previous}, but the last one seen ended at {last.offset}",
                action=_REBUILD,
            )
        self.last = marker
