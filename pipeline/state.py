"""A customer's state as bytes, and many customers' states as columns: pack and unpack.

A stored value is an 8-byte stamp (little-endian ``int64``, the offset of the flush that wrote it) and a
MessagePack array (version, one byte string per part, strings). The parts are NumPy records whose string columns
index the value's own list of strings, so that a value is self-contained.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.records import (
    HEADER,
    HEADER_STRING_FIELDS,
    JOURNEY,
    JOURNEY_STRING_FIELDS,
    MARK,
    MARK_STRING_FIELDS,
    NEVER,
    NOTE,
    NOTE_STRING_FIELDS,
    PIECE,
    STATE_VERSION,
    STRING_FIELDS,
    TRACE,
    TRACE_STRING_FIELDS,
    UNSETTLED,
    copied,
    pick,
    put,
)
from pipeline.strings import Strings
from schemas.event import CASE_STATUSES, EVENT_TYPES

Records = NDArray[Any]

_STAMP: Final = struct.Struct("<q")
_PARTS: Final = (
    ("header", HEADER, HEADER_STRING_FIELDS),
    ("pieces", PIECE, STRING_FIELDS),
    ("notes", NOTE, NOTE_STRING_FIELDS),
    ("journeys", JOURNEY, JOURNEY_STRING_FIELDS),
    ("marks", MARK, MARK_STRING_FIELDS),
    ("traces", TRACE, TRACE_STRING_FIELDS),
)
_Value = tuple[int, bytes, bytes, bytes, bytes, bytes, bytes, list[str]]
_DECODER: Final = msgspec.msgpack.Decoder(_Value)
_ENCODER: Final = msgspec.msgpack.Encoder()


class StateError(ValueError):
    """A stored value that this version cannot read.

    Operator action: run the version that wrote it, or rebuild the state from the input log.
    """


@dataclass(frozen=True, slots=True)
class Working:
    """The state of some customers as columns.

    ``customer`` columns index ``names``; ``notes["owner"]`` indexes ``pieces``; ``header`` has one row per customer.
    """

    names: list[str]
    header: Records
    pieces: Records
    notes: Records
    journeys: Records
    marks: Records
    traces: Records

    def with_parts(self, **parts: Any) -> Working:
        """A copy with some parts replaced."""
        return replace(self, **parts)


def stamp_of(value: bytes) -> int:
    """Offset of the flush that wrote a stored value."""
    return int(_STAMP.unpack_from(value)[0])


def stamped(stamp: int, payload: bytes) -> bytes:
    """A stored value from its payload."""
    return _STAMP.pack(stamp) + payload


def payload_of(value: bytes) -> bytes:
    """A stored value without its stamp."""
    return value[_STAMP.size :]


def fresh_header(count: int) -> Records:
    """Headers of customers without any past."""
    header = np.zeros(count, HEADER)
    for name in ("segment_ms", "last_ms"):
        header[name] = UNSETTLED
    header["first_ms"] = NEVER
    header["deadline"] = NEVER
    return header


def deadline_of(value: bytes) -> int:
    """When the watermark must wake a stored customer."""
    header = np.frombuffer(_decode(value)[1], HEADER)
    return int(header["deadline"][0])


def _decode(value: bytes) -> _Value:
    try:
        decoded: _Value = _DECODER.decode(memoryview(value)[_STAMP.size :])
    except (msgspec.DecodeError, struct.error) as error:
        raise StateError(f"unreadable customer state: {error}") from error
    if decoded[0] != STATE_VERSION:
        raise StateError(f"customer state has version {decoded[0]}, this program reads {STATE_VERSION}")
    _check_parts(decoded)
    return decoded


def _check_parts(decoded: _Value) -> None:
    """Each part is whole records, one of them the header. Raises :class:`StateError`."""
    for position, (name, dtype, _) in enumerate(_PARTS, start=1):
        size = len(decoded[position])  # type: ignore[arg-type]
        if size % dtype.itemsize or (name == "header" and size != dtype.itemsize):
            raise StateError(f"customer state has {size} bytes of {name}, a record has {dtype.itemsize}")


def _check_codes(pieces: Records) -> None:
    """Codes of fixed lists are in the lists. Raises :class:`StateError`."""
    kinds, statuses = pieces["type"], pieces["status"]
    if len(pieces) and not (
        kinds.min() >= 0
        and kinds.max() < len(EVENT_TYPES)
        and statuses.min() >= -1
        and statuses.max() < len(CASE_STATUSES)
    ):
        raise StateError("customer state has an unknown type or status")


def _check_within(indices: NDArray[np.integer[Any]], counts: NDArray[np.int64], what: str) -> None:
    """Indices point into their own customer's part. Raises :class:`StateError`."""
    if len(indices) and (indices.min() < 0 or np.any(indices >= counts)):
        raise StateError(f"customer state points to {what} that it does not have")


def unpack(names: Sequence[str], values: Sequence[bytes | None], strings: Strings) -> Working:
    """States of ``names`` (``None`` = no state yet) as columns, in the codes of ``strings``."""
    known = [(row, _decode(value)) for row, value in enumerate(values) if value is not None]
    rows = np.array([row for row, _ in known], np.int32)
    texts = [len(decoded[-1]) for _, decoded in known]
    text_counts = np.array(texts, np.int64)
    codes = strings.codes(chain.from_iterable(decoded[-1] for _, decoded in known))
    text_base = np.concatenate(([0], np.cumsum(texts[:-1], dtype=np.int64))) if texts else np.zeros(0, np.int64)
    parts: dict[str, Records] = {}
    counts: dict[str, NDArray[np.int64]] = {}
    for position, (name, dtype, fields) in enumerate(_PARTS, start=1):
        blobs: list[bytes] = [decoded[position] for _, decoded in known]  # type: ignore[misc]
        counts[name] = np.array([len(blob) for blob in blobs], np.int64) // dtype.itemsize
        records = np.frombuffer(bytearray().join(blobs), dtype)
        base, own = np.repeat(text_base, counts[name]), np.repeat(text_counts, counts[name])
        for field in fields:
            _check_within(records[field], own, "a text")
            records[field] = codes[base + records[field]]
        if name != "notes":
            records["customer"] = np.repeat(rows, counts[name])
        parts[name] = records
    _check_codes(parts["pieces"])
    _check_within(parts["notes"]["owner"], np.repeat(counts["pieces"], counts["notes"]), "an event")
    first_piece = np.cumsum(counts["pieces"]) - counts["pieces"]
    parts["notes"]["owner"] += np.repeat(first_piece, counts["notes"]).astype(np.int32)
    header = fresh_header(len(names))
    put(header, rows, parts["header"])
    header["customer"] = np.arange(len(names))
    return Working(
        list(names), header, parts["pieces"], parts["notes"], parts["journeys"], parts["marks"], parts["traces"]
    )


def pack(working: Working, stamp: int, strings: Strings) -> list[bytes]:
    """Stored values of all customers of ``working``, in the order of its names."""
    count = len(working.names)
    ordered = _by_customer(working)
    local, texts = _localised(ordered, count, strings)
    blobs: dict[str, bytes] = {}
    bounds: dict[str, list[int]] = {}
    for name, dtype, _ in _PARTS:
        customers, records = local[name]
        if name != "notes":
            records["customer"] = 0  # a place in this batch means nothing in another
        edges = np.searchsorted(customers, np.arange(count + 1)) * dtype.itemsize
        blobs[name], bounds[name] = records.tobytes(), edges.tolist()
    prefix, encode = _STAMP.pack(stamp), _ENCODER.encode
    names = [name for name, _, _ in _PARTS]
    slices = [_slices(blobs[name], bounds[name]) for name in names]
    return [prefix + encode((STATE_VERSION, *parts, text)) for *parts, text in zip(*slices, texts, strict=True)]


def _slices(blob: bytes, bounds: list[int]) -> list[bytes]:
    return [blob[start:end] for start, end in pairwise(bounds)]


def _by_customer(working: Working) -> dict[str, tuple[NDArray[np.int64], Records]]:
    """Each part sorted by customer, with the customer of each row; notes follow their owners."""
    order = np.argsort(working.pieces["customer"], kind="stable")
    pieces = pick(working.pieces, order)
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    notes = copied(working.notes)
    notes["owner"] = place[notes["owner"]]
    notes = pick(notes, np.argsort(notes["owner"], kind="stable"))
    owners = pieces["customer"][notes["owner"]].astype(np.int64)
    first = np.searchsorted(pieces["customer"], np.arange(len(working.names)))
    notes["owner"] -= first[owners].astype(np.int32)
    parts = {"pieces": (pieces["customer"].astype(np.int64), pieces), "notes": (owners, notes)}
    for name, records in (
        ("header", working.header),
        ("journeys", working.journeys),
        ("marks", working.marks),
        ("traces", working.traces),
    ):
        ordered = pick(records, np.argsort(records["customer"], kind="stable"))
        parts[name] = (ordered["customer"].astype(np.int64), ordered)
    return parts


def _localised(
    parts: Mapping[str, tuple[NDArray[np.int64], Records]], count: int, strings: Strings
) -> tuple[Mapping[str, tuple[NDArray[np.int64], Records]], list[list[str]]]:
    """Replace interner codes by indices into each customer's own list of strings (which starts with "")."""
    keys = [np.arange(count, dtype=np.int64) << 32]
    targets = []
    for name, _, fields in _PARTS:
        customers, records = parts[name]
        high = customers << 32
        for field in fields:
            codes = records[field]
            used = np.flatnonzero(codes)
            keys.append(high[used] | codes[used])
            targets.append((codes, used, customers))
    pairs, place = np.unique(np.concatenate(keys), return_inverse=True)
    first = place[:count]
    start = count
    for codes, used, customers in targets:
        codes[used] = place[start : start + len(used)] - first[customers[used]]
        start += len(used)
    texts = strings.take((pairs & 0xFFFFFFFF).astype(np.int32)).tolist()
    edges = [*first.tolist(), len(pairs)]
    return parts, [texts[start:end] for start, end in pairwise(edges)]
