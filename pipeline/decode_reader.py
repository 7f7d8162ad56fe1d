"""The fast decoder, generated from the pydantic model, and the careful one behind it.

A *row* is an instance of a msgspec struct with the fields of :class:`schemas.event.Event`, in that order. The
struct accepts a subset of what the model accepts, with equal values; the few rules between fields are the
model's own function. What the struct refuses goes through :func:`schemas.judgement.judge`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain
from types import GenericAlias
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta

from pipeline.batch import Headers
from pipeline.wire import read_fields
from schemas.event import Event, Tick, check_rules
from schemas.field_types import (
    CONTROL,
    EARLIEST_MS,
    EARLIEST_NUMBER_MS,
    LATEST_MS,
    ZONED,
    Choice,
    Entries,
    Flag,
    Kind,
    Moment,
    Number,
    Text,
    Whole,
    epoch_ms,
)
from schemas.judgement import judge
from schemas.limits import Limits
from schemas.rejections import Reason, RefusedError

FIELDS: Final = tuple(Event.model_fields)
"""Names of a row's fields, in order."""

READ_ERRORS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What :attr:`Reader.read` raises for bytes that are no plain event."""

SURROGATE: Final = re.compile(r"[\ud800-\udfff]")

_BETWEEN: Final = b"\n,null,"
"""Parts records that are read together. It stands between elements only: no string holds a plain line feed, in an
object a comma is followed by a name, and no field of an event holds an array."""

Row = Any
"""An instance of the generated struct; ``occurred_at`` is a zoned datetime or epoch milliseconds."""


class Reader:
    """Both decoders for one set of limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.row_type = row_type(limits)
        self.read: Callable[[bytes], Row] = msgspec.json.Decoder(self.row_type).decode
        """Plain JSON to a row; raises one of :data:`READ_ERRORS` for anything else."""
        rows: Any = GenericAlias(list, (self.row_type | None,))
        self._read_list: Callable[[bytes], list[Row]] = msgspec.json.Decoder(rows).decode

    def read_all(self, values: Sequence[bytes | None]) -> list[Row] | None:
        """Rows of ``values``, read as one JSON array, if each of them is a plain event of its own; else None."""
        count, most = len(values), self.limits.max_bytes
        try:
            text = b"".join((b"[", _BETWEEN.join(values), b"]"))  # type: ignore[arg-type]
            if len(text) > most and max(map(len, values)) > most:  # type: ignore[arg-type]
                return None
            rows = self._read_list(text)
        except (TypeError, *READ_ERRORS):  # a record has no value, or is no plain event
            return None
        # One element at least between two nulls, so with as many as there are records each has one.
        return rows[::2] if len(rows) == 2 * count - 1 and rows.count(None) == count - 1 else None

    def study(self, value: bytes | None, headers: Headers) -> Row | Tick:
        """The row or tick in a record of any wire format. Raises :class:`RefusedError`, and nothing else."""
        fields = read_fields(self._bounded(value), headers, self.limits)
        row = self._shortcut(fields)
        if row is not None:
            return row
        found = judge(fields, self.limits)
        return found if isinstance(found, Tick) else self.row_type(**dict(found))

    def _shortcut(self, fields: dict[str, Any]) -> Row | None:
        """The row, if nothing about ``fields`` is in doubt: spares events in envelopes the slower model."""
        try:
            row = msgspec.convert(fields, self.row_type)
            check_rules(row, self.limits)
        except (msgspec.ValidationError, UnicodeEncodeError, RefusedError):
            return None
        return row if is_clean(row) and in_range(row.occurred_at) else None

    def _bounded(self, value: bytes | None) -> bytes:
        if value is None:
            raise RefusedError(Reason.NULL_VALUE, "has no value")
        if len(value) > self.limits.max_bytes:
            raise RefusedError(Reason.TOO_LARGE, f"has {len(value)} bytes, max_bytes is {self.limits.max_bytes}")
        return value


def is_clean(row: Row) -> bool:
    """Whether all text of ``row``, names in it too, is free of control characters and half surrogate pairs."""
    own = [part for part in msgspec.structs.astuple(row) if isinstance(part, str)]
    names = (row.measures or {}).keys(), (row.attributes or {}).keys(), (row.attributes or {}).values()
    text = "".join(chain(own, *names))
    return CONTROL.search(text) is None and SURROGATE.search(text) is None


def in_range(moment: datetime | int) -> bool:
    """Whether ``moment`` lies in the years that events may have."""
    return EARLIEST_MS <= (moment if isinstance(moment, int) else epoch_ms(moment)) <= LATEST_MS


@lru_cache(maxsize=16)
def reader(limits: Limits) -> Reader:
    """The reader for ``limits``."""
    return Reader(limits)


def row_type(limits: Limits) -> type[Any]:
    """The struct that mirrors the event model under ``limits``."""
    fields = [_field(name, limits) for name in FIELDS]
    # Rows hold no cycles, so the garbage collector need not know them.
    return msgspec.defstruct("Row", fields, forbid_unknown_fields=True, gc=False)


def _field(name: str, limits: Limits) -> tuple[str, Any] | tuple[str, Any, None]:
    info = Event.model_fields[name]
    if info.is_required():
        return name, _mirror(next(part for part in info.metadata if isinstance(part, Kind)), limits)
    annotated = get_args(info.annotation)[0]
    kind = next(part for part in get_args(annotated) if isinstance(part, Kind))
    return name, _mirror(kind, limits) | None, None


def _mirror(kind: Kind, limits: Limits) -> Any:
    """The msgspec type of one kind of field."""
    mirror: Any
    match kind:
        case Text(limit, least):
            mirror = Annotated[str, Meta(min_length=least, max_length=getattr(limits, limit))]
        case Choice(options):
            mirror = Literal[options]
        case Whole(least, most):
            mirror = Annotated[int, Meta(ge=least, le=most)]
        case Number():
            mirror = Annotated[float, Meta(ge=kind.least(limits), le=limits.max_number)]
        case Flag():
            mirror = bool
        case Moment():
            mirror = ZONED | Annotated[int, Meta(ge=EARLIEST_NUMBER_MS, le=LATEST_MS)]
        case Entries(limit, value, entry_name):
            entries = GenericAlias(dict, (_mirror(entry_name, limits), _mirror(value, limits)))
            mirror = Annotated[entries, Meta(max_length=getattr(limits, limit))]
        case _:
            raise TypeError(f"no msgspec type mirrors {kind!r}")
    return mirror
