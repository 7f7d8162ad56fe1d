"""The sieve of one batch: which records are events, which are ticks, which are refused and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.batch import Headers, RawBatch, Rejected
from pipeline.decode_columns import Cells, cells_of, is_empty, times
from pipeline.decode_reader import READ_ERRORS, Reader, Row
from schemas.event import ANSWER_FIELDS, Tick, check_rules
from schemas.field_types import EARLIEST_MS, LATEST_MS
from schemas.limits import Limits
from schemas.rejections import Reason, RefusedError

_ESCAPED_CONTROL: Final = re.compile(rb"\\(?:[bfnrt]|u00[01])")
_RULED_TYPES: Final = frozenset({"answer", "case"})
_RULED_FIELDS: Final = (*ANSWER_FIELDS, "status")


@dataclass(slots=True)
class Sieve:
    """Rows that passed so far, parallel to ``positions`` in the batch; whatever did not pass is in the other lists."""

    batch: RawBatch
    reader: Reader
    far_future_ms: int
    rows: list[Row] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    ticks: list[tuple[int, int, int]] = field(default_factory=list)
    cells: Cells = field(init=False)
    occurred_ms: NDArray[np.int64] = field(init=False)
    payloads: list[bytes] = field(init=False)

    def read(self) -> None:
        """Read every record: fast where that is enough."""
        read, most = self.reader.read, self.reader.limits.max_bytes
        for position, value in enumerate(self.batch.values):
            if value is not None and len(value) <= most:
                try:
                    self.rows.append(read(value))
                    self.positions.append(position)
                    continue
                except READ_ERRORS:
                    pass
            self._study(position)
        self.turn()

    def settle_doubts(self) -> None:
        """Let the careful reader judge the rows that the fast one cannot judge alone."""
        refused: dict[int, RefusedError] = {}
        doubts = self._doubts()
        for index in doubts:
            position = self.positions[index]
            try:
                self.rows[index] = self.reader.study(self.batch.values[position], self._headers(position))
            except RefusedError as error:
                refused[index] = error
        if doubts:
            self._drop(refused)

    def compare_with_record(self) -> None:
        """Refuse events whose key is another customer's, or whose time the broker had not reached by far."""
        appended = self.batch.timestamps[self.positions]
        ahead = np.where(appended < 0, 0, self.occurred_ms - appended)
        far = np.flatnonzero(ahead > self.far_future_ms).tolist()
        refused = {index: _far_future(self.far_future_ms) for index in far} | self._mismatches()
        if refused:
            self._drop(refused)

    def turn(self) -> None:
        """Make the columns of the rows: :attr:`cells`, :attr:`occurred_ms` and :attr:`payloads`."""
        self.cells = cells_of(self.rows)
        self.occurred_ms = times(self.cells["occurred_at"])
        values = self.batch.values
        self.payloads = [values[position] or b"" for position in self.positions]

    def _doubts(self) -> list[int]:
        ruled = {index for index in _ruled(self.cells) if _breaks_rules(self.rows[index], self.reader.limits)}
        years = np.flatnonzero((self.occurred_ms < EARLIEST_MS) | (self.occurred_ms > LATEST_MS))
        return sorted(_escaped(self.payloads) | ruled | set(years.tolist()))

    def _mismatches(self) -> dict[int, RefusedError]:
        given = self.batch.keys
        keys = [given[position] for position in self.positions]
        if keys == list(map(str.encode, self.cells["customer_id"])):
            return {}
        return {
            index: RefusedError(Reason.KEY_MISMATCH, "the Kafka key differs from customer_id")
            for index, (key, customer) in enumerate(zip(keys, self.cells["customer_id"], strict=True))
            if key is not None and key != customer.encode()
        }

    def _study(self, position: int) -> None:
        try:
            found = self.reader.study(self.batch.values[position], self._headers(position))
            if isinstance(found, Tick):
                self._keep_tick(position, found)
            else:
                self.rows.append(found)
                self.positions.append(position)
        except RefusedError as error:
            self._reject(position, error)

    def _keep_tick(self, position: int, tick: Tick) -> None:
        appended = int(self.batch.timestamps[position])
        if 0 <= appended < tick.occurred_at - self.far_future_ms:
            raise _far_future(self.far_future_ms)
        self.ticks.append((int(self.batch.offsets[position]), appended, tick.occurred_at))

    def _headers(self, position: int) -> Headers:
        return self.batch.headers[position] if self.batch.headers is not None else ()

    def _drop(self, refused: Mapping[int, RefusedError]) -> None:
        """Take out refused rows; the others may have changed too."""
        for index, error in refused.items():
            self._reject(self.positions[index], error)
        kept = [index for index in range(len(self.rows)) if index not in refused]
        self.rows = [self.rows[index] for index in kept]
        self.positions = [self.positions[index] for index in kept]
        self.turn()

    def _reject(self, position: int, error: RefusedError) -> None:
        self.rejected.append(
            Rejected(
                reason=error.reason.value,
                message=error.message,
                offset=int(self.batch.offsets[position]),
                timestamp=int(self.batch.timestamps[position]),
                key=self.batch.keys[position],
                value=self.batch.values[position],
                headers=self._headers(position),
            )
        )


def _far_future(limit_ms: int) -> RefusedError:
    return RefusedError(Reason.FAR_FUTURE, f"occurred_at is more than {limit_ms} ms after the broker's time")


def _escaped(payloads: list[bytes]) -> set[int]:
    """Rows whose text may hold a control character: unescaped ones are no JSON."""
    return {index for index, payload in enumerate(payloads) if b"\\" in payload and _ESCAPED_CONTROL.search(payload)}


def _ruled(cells: Cells) -> set[int]:
    """Rows that rules between fields speak of."""
    ruled = {index for index, kind in enumerate(cells["type"]) if kind in _RULED_TYPES}
    for name in _RULED_FIELDS:
        if not is_empty(cells[name]):
            ruled.update(index for index, cell in enumerate(cells[name]) if cell is not None)
    return ruled


def _breaks_rules(row: Row, limits: Limits) -> bool:
    try:
        check_rules(row, limits)
    except RefusedError:
        return True
    return False
