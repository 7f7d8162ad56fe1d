"""The key-value state of one partition: what its changelog holds, and the indexes that follow from it.

Keys: ``m`` the marker, ``k<customer>`` a customer, ``a<customer>`` the alerts of a customer, ``c<bucket><number>`` a
block of cells, ``x<table><0x1F><customer><0x1F><key>`` a retraction that is not confirmed yet. Every value but the
marker begins with the stamp of its flush.
"""

from __future__ import annotations

import heapq
import struct
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.aggregate import SEPARATOR, Cells, end_ms
from pipeline.batch import Marker
from pipeline.cellstore import CELL_KEY, CellStore
from pipeline.policy import Policy
from pipeline.records import NEVER, STATE_VERSION
from pipeline.state import deadline_of, payload_of, stamp_of, stamped
from pipeline.statechecks import StateError
from schemas.tables import BY_NAME

MARKER_KEY: Final = b"m"
CUSTOMER: Final = b"k"
RETRACTION: Final = b"x"
ALERTS: Final = b"a"
NO_WATERMARK: Final = -(1 << 62)
"""Watermark of a partition that has seen no record."""

_MARKER: Final = struct.Struct("<4q")
_VERSION: Final = struct.Struct("<q")
"""Behind the marker: STATE_VERSION of the whole flush. The first version wrote none."""
_UNREADABLE: Final = (ValueError, KeyError, IndexError, OverflowError, struct.error)
"""What reading bytes that are no record of ours may raise."""


def pack_marker(marker: Marker) -> bytes:
    """The marker as a changelog value, with the version of the state that it ends."""
    fields = (marker.offset, marker.previous, marker.watermark_ms, marker.previous_watermark_ms)
    return _MARKER.pack(*fields) + _VERSION.pack(STATE_VERSION)


def unpack_marker(value: bytes) -> Marker:
    """The marker of a changelog value; StateError if it is none, or ends a state that this program cannot read."""
    version = value[_MARKER.size :]
    if len(value) < _MARKER.size or len(version) not in {0, _VERSION.size}:
        raise StateError(f"unreadable marker: {len(value)} bytes")
    found = _VERSION.unpack(version)[0] if version else 1
    if found != STATE_VERSION:
        raise StateError(f"the state has version {found}, this program reads {STATE_VERSION}")
    marker = Marker(*_MARKER.unpack_from(value))
    if marker.offset < -1 or marker.previous < -1:
        raise StateError(f"no marker: offset {marker.offset}, previous {marker.previous}")
    return marker


def _check_size(value: bytes, payload: int) -> None:
    if stamp_of(value) < 0 or len(payload_of(value)) != payload:
        raise StateError(f"a record has {len(value)} bytes, not a stamp and {payload}")


class Store:
    """State of a partition over a plain dictionary, with deadlines and expiries indexed.

    ``changes`` collects what the flush under way has written; :meth:`begin` empties it.
    """

    def __init__(self, records: dict[bytes, bytes], policy: Policy) -> None:
        self.records = records
        self.changes: dict[bytes, bytes | None] = {}
        self._settling_ms = policy.cell_settling_ms
        self._deadline: dict[bytes, int] = {}
        self._due: list[tuple[int, bytes]] = []
        self._cells = CellStore()
        self._expiring: dict[int, list[bytes]] = {}
        self._retracted: list[bytes] = []
        self._alerted: set[str] = set()
        for key, value in records.items():
            try:
                self._index(key, value)
            except StateError:
                raise
            except _UNREADABLE:
                raise StateError(f"unreadable record of kind {key[:1]!r}, {len(value)} bytes") from None
        heapq.heapify(self._due)

    def _index(self, key: bytes, value: bytes) -> None:
        kind = key[:1]
        if kind == CUSTOMER:
            key[1:].decode()
            deadline = deadline_of(value)
            if deadline != NEVER:
                self._deadline[key] = deadline
                self._due.append((deadline, key))
        elif kind == CELL_KEY:
            bucket = self._cells.restore(key, value)
            if bucket is not None:
                self._expire_later(bucket, end_ms(bucket[1:]))
        elif kind == RETRACTION:
            table, _, _ = key[1:].decode().split(SEPARATOR)
            _check_size(value, 0)
            if table not in BY_NAME:
                raise StateError("a retraction of an unknown table")
            self._retracted.append(key)
        elif kind == ALERTS:
            stamp_of(value)
            self._alerted.add(key[1:].decode())
        elif key != MARKER_KEY:
            raise StateError(f"unknown kind of state key, {len(key)} bytes that begin with {key[:1]!r}")

    @property
    def marker(self) -> Marker:
        """Marker of the last flush."""
        value = self.records.get(MARKER_KEY)
        return Marker(-1, -1, NO_WATERMARK, NO_WATERMARK) if value is None else unpack_marker(value)

    def begin(self) -> None:
        """Start a flush: the retractions of the one before are confirmed."""
        self.changes = {}
        for key in self._retracted:
            self._remove(key)
        self._retracted = []

    def _put(self, key: bytes, value: bytes) -> None:
        self.records[key] = self.changes[key] = value

    def _remove(self, key: bytes) -> None:
        if self.records.pop(key, None) is not None:
            self.changes[key] = None

    def put_marker(self, marker: Marker) -> None:
        """End a flush; must be the last change."""
        self.changes.pop(MARKER_KEY, None)
        self._put(MARKER_KEY, pack_marker(marker))

    def due(self, watermark_ms: int) -> list[str]:
        """Customers to look at again because of the watermark alone."""
        names = []
        while self._due and self._due[0][0] <= watermark_ms:
            deadline, key = heapq.heappop(self._due)
            if self._deadline.get(key) == deadline:
                del self._deadline[key]
                names.append(key[1:].decode())
        return names

    def customers(self, names: Iterable[str]) -> list[bytes | None]:
        """Stored states."""
        get = self.records.get
        return [get(CUSTOMER + name.encode()) for name in names]

    def put_customers(self, names: Sequence[str], values: Sequence[bytes], deadlines: Sequence[int]) -> None:
        """Store states, each with the watermark that must wake it."""
        keys = [CUSTOMER + name.encode() for name in names]
        changed = dict(zip(keys, values, strict=True))
        self.records |= changed
        self.changes |= changed
        known = map(self._deadline.get, keys, repeat(NEVER))
        for key, deadline, before in zip(keys, deadlines, known, strict=True):
            if deadline == before:
                continue
            if deadline == NEVER:
                del self._deadline[key]
            else:
                self._deadline[key] = deadline
                heapq.heappush(self._due, (deadline, key))

    def alerts(self, names: Iterable[str]) -> dict[str, bytes]:
        """Alerts of those of the customers that have any."""
        return {name: payload_of(self.records[ALERTS + name.encode()]) for name in self._alerted.intersection(names)}

    def put_alerts(self, alerts: Mapping[str, bytes | None], stamp: int) -> None:
        """Store alerts of customers; None forgets them."""
        for name, payload in alerts.items():
            key = ALERTS + name.encode()
            if payload is None:
                self._remove(key)
                self._alerted.discard(name)
            else:
                self._put(key, stamped(stamp, payload))
                self._alerted.add(name)

    def add_cells(self, cells: Cells, delta: NDArray[Any], stamp: int) -> NDArray[Any]:
        """Add to cells; returns the new totals (dtype CELL). An empty cell stays until it expires, to be retracted."""
        totals, fresh = self._cells.add(cells, delta, stamp)
        if np.any(totals["interactions"] < 0) or np.any(totals["customers"] < 0):
            raise StateError("a cell fell below zero: state and log do not fit together")
        changed = dict(self._cells.written(stamp))
        self.records |= changed
        self.changes |= changed
        for bucket in fresh:
            self._expire_later(bucket, end_ms(bucket[1:]))
        return totals

    def _expire_later(self, bucket: bytes, bucket_end_ms: int) -> None:
        self._expiring.setdefault(bucket_end_ms + self._settling_ms, []).append(bucket)

    def expire_cells(self, watermark_ms: int, stamp: int) -> None:
        """Forget buckets whose cells can no longer change, but for those that this flush has changed."""
        for expiry in sorted(time for time in self._expiring if time < watermark_ms):
            kept = []
            for bucket in self._expiring.pop(expiry):
                removed = self._cells.remove(bucket, stamp)
                if removed is None:
                    kept.append(bucket)
                for key in removed or ():
                    self._remove(key)
            if kept:
                self._expiring[expiry] = kept

    def cells_above(self, offset: int) -> tuple[list[bytes], NDArray[Any]]:
        """Cells (keys, totals) that a flush after ``offset`` has written, and others of their blocks."""
        return self._cells.above(offset)

    def retract(self, table: str, identities: Iterable[tuple[str, str]], stamp: int) -> None:
        """Remember retracted rows until the flush is confirmed."""
        for customer, key in identities:
            full = RETRACTION + SEPARATOR.join((table, customer, key)).encode()
            self._put(full, stamped(stamp, b""))
            self._retracted.append(full)

    def stamped_above(self, kind: bytes, offset: int) -> list[bytes]:
        """Keys of one kind that a flush after ``offset`` has written."""
        return [key for key, value in self.records.items() if key[:1] == kind and stamp_of(value) > offset]
