"""The sieve of one batch: which records are events, which are ticks, which are refused and why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.batch import Headers, RawBatch, Rejected
from pipeline.decode_columns import TYPE_CODES, Turned, is_empty, times, turned, type_codes
from pipeline.decode_reader import READ_ERRORS, Reader, Row
from schemas.event import ANSWER_FIELDS, Tick, check_rules
from schemas.field_types import EARLIEST_MS, LATEST_MS
from schemas.limits import Limits
from schemas.rejections import Reason, RefusedError

_ESCAPED_CONTROL: Final = re.compile(rb"\\(?:[bfnrt]|u00[01])")
_IS_RULED: Final = np.isin(np.arange(len(TYPE_CODES)), [TYPE_CODES["answer"], TYPE_CODES["case"]])
_RULED_FIELDS: Final = (*ANSWER_FIELDS, "status")


@dataclass(slots=True)
class Sieve:
    """Rows that passed so far, parallel to ``positions`` in the batch; whatever did not pass is in the other lists."""

    batch: RawBatch
    reader: Reader
    far_future_ms: int
    rows: list[Row] = field(default_factory=list)
    positions: Sequence[int] = ()
    rejected: list[Rejected] = field(default_factory=list)
    ticks: list[tuple[int, int, int]] = field(default_factory=list)
    cells: Turned = field(init=False)
    occurred_ms: NDArray[np.int64] = field(init=False)
    type_code: NDArray[np.int8] = field(init=False)

    def read(self) -> None:
        """Read every record: fast where that is enough."""
        rows = self.reader.read_all(self.batch.values)
        if rows is None:
            self._read_each()
        else:
            self.rows, self.positions = rows, range(len(rows))
        self.turn()

    def _read_each(self) -> None:
        read, most = self.reader.read, self.reader.limits.max_bytes
        positions: list[int] = []
        for position, value in enumerate(self.batch.values):
            if value is not None and len(value) <= most:
                try:
                    self.rows.append(read(value))
                    positions.append(position)
                    continue
                except READ_ERRORS:
                    pass
            if self._study(position):
                positions.append(position)
        self.positions = positions

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
        appended = self.taken(self.batch.timestamps)
        far = np.flatnonzero((self.occurred_ms - appended > self.far_future_ms) & (appended >= 0)).tolist()
        refused = {index: _far_future(self.far_future_ms) for index in far} | self._mismatches()
        if refused:
            self._drop(refused)

    def turn(self) -> None:
        """Make the columns of the rows: :attr:`cells`, :attr:`occurred_ms` and :attr:`type_code`."""
        self.cells = turned(self.rows)
        self.occurred_ms = times(self.cells.usual["occurred_at"])
        self.type_code = type_codes(self.cells.usual["type"])

    def taken(self, column: NDArray[np.int64]) -> NDArray[np.int64]:
        """A column of the batch at the rows that passed."""
        return column if len(self.positions) == len(column) else column[np.array(self.positions, np.int64)]

    @property
    def payloads(self) -> Sequence[bytes]:
        """Values of the rows that passed."""
        values = self.batch.values
        if len(self.positions) == len(values):
            return values  # type: ignore[return-value]
        return [values[position] or b"" for position in self.positions]

    def _doubts(self) -> list[int]:
        ruled = {index for index in self._ruled() if _breaks_rules(self.rows[index], self.reader.limits)}
        years = np.flatnonzero((self.occurred_ms < EARLIEST_MS) | (self.occurred_ms > LATEST_MS))
        return sorted(_escaped(self.payloads) | ruled | set(years.tolist()))

    def _ruled(self) -> set[int]:
        """Rows that rules between fields speak of."""
        ruled = set(np.flatnonzero(_IS_RULED[self.type_code]).tolist())
        rich, others = self.cells.rich, self.cells.others
        for name in _RULED_FIELDS:
            if not is_empty(others[name]):
                ruled.update(index for index, cell in zip(rich, others[name], strict=True) if cell is not None)
        return ruled

    def _mismatches(self) -> dict[int, RefusedError]:
        given, customers = self.batch.keys, self.cells.usual["customer_id"]
        keys = given if len(self.positions) == len(given) else [given[position] for position in self.positions]
        if _same(keys, customers):
            return {}
        return {
            index: RefusedError(Reason.KEY_MISMATCH, "the Kafka key differs from customer_id")
            for index, (key, customer) in enumerate(zip(keys, customers, strict=True))
            if key is not None and key != customer.encode()
        }

    def _study(self, position: int) -> bool:
        """Whether the careful reader finds a row in a record."""
        try:
            found = self.reader.study(self.batch.values[position], self._headers(position))
            if isinstance(found, Tick):
                self._keep_tick(position, found)
                return False
            self.rows.append(found)
        except RefusedError as error:
            self._reject(position, error)
            return False
        return True

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


def _escaped(payloads: Sequence[bytes]) -> set[int]:
    """Rows whose text may hold a control character: unescaped ones are no JSON."""
    if b"\\" not in b"".join(payloads):
        return set()
    return {index for index, payload in enumerate(payloads) if b"\\" in payload and _ESCAPED_CONTROL.search(payload)}


def _same(keys: Sequence[bytes | None], customers: Sequence[str]) -> bool:
    """Whether each key is its customer; no customer holds the character that parts them."""
    try:
        return b"\x00".join(keys) == "\x00".join(customers).encode()  # type: ignore[arg-type]
    except TypeError:  # there is a record without a key
        return False


def _breaks_rules(row: Row, limits: Limits) -> bool:
    try:
        check_rules(row, limits)
    except RefusedError:
        return True
    return False
