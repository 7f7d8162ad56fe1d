"""A customer's state as bytes, and many customers' states as columns: pack and unpack.

A stored value is a LEAD record, which begins with the stamp of the flush that wrote it, the HEADER record, the
records of all other parts in order, and strings (UTF-8, 0x1F between them). String columns index the value's own
strings, so that a value is self-contained. Values of many customers are taken apart and put together in bulk.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.ordering import begins, present
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
    pick,
    put,
    read_at,
    write_at,
)
from pipeline.statechecks import StateError, check_codes, check_within
from pipeline.strings import Strings

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
_LISTS: Final = _PARTS[1:]
"""Parts of any number of records; the header is one."""
LEAD: Final = np.dtype(
    [("stamp", "<i8"), ("version", "<u4"), ("texts", "<u4"), *[(name, "<u4") for name, _, _ in _LISTS]]
)
"""How a stored value begins: ``texts`` and the names of parts are numbers of strings and of records."""
SEPARATOR: Final = "\x1f"
_SEPARATOR: Final = SEPARATOR.encode()


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
    _leads(value, np.zeros(1, np.int64), np.array([len(value)]))
    return int(read_at(value, np.array([LEAD.itemsize]), HEADER)["deadline"][0])


def _leads(blob: bytes, begin: NDArray[np.int64], sizes: NDArray[np.int64]) -> Records:
    """LEAD records of the values at ``begin``; StateError if one is none of this version."""
    if np.any(sizes < LEAD.itemsize):
        raise StateError("unreadable customer state: too short")
    leads = read_at(blob, begin, LEAD)
    strange = leads["version"][leads["version"] != STATE_VERSION]
    if len(strange):
        raise StateError(f"customer state has version {strange[0]}, this program reads {STATE_VERSION}")
    least = LEAD.itemsize + HEADER.itemsize + sum(leads[name].astype(np.int64) * d.itemsize for name, d, _ in _LISTS)
    if np.any(sizes < least):
        raise StateError("unreadable customer state: cut off")
    return leads


def unpack(names: Sequence[str], values: Sequence[bytes | None], strings: Strings) -> Working:
    """States of ``names`` (``None`` = no state yet) as columns, in the codes of ``strings``."""
    known = [value for value in values if value is not None]
    rows = np.flatnonzero(np.fromiter([value is not None for value in values], bool, len(values))).astype(np.int32)
    blob, sizes = b"".join(known), np.fromiter(map(len, known), np.int64, len(known))
    begin = np.cumsum(sizes) - sizes
    leads = _leads(blob, begin, sizes)
    parts: dict[str, Records] = {}
    place = begin + LEAD.itemsize
    counts = {"header": np.ones(len(known), np.int64)} | {name: leads[name].astype(np.int64) for name, *_ in _LISTS}
    for name, dtype, _ in _PARTS:
        parts[name] = read_at(blob, _offsets(place, counts[name], dtype.itemsize), dtype)
        place += counts[name] * dtype.itemsize
    codes, text_base = _texts(known, (place - begin).tolist(), leads["texts"].astype(np.int64), strings)
    for name, _, fields in _PARTS:
        base, own = (np.repeat(column, counts[name]) for column in (text_base, leads["texts"].astype(np.int64)))
        for field in fields:
            check_within(parts[name][field], own, "a text")
            parts[name][field] = codes[base + parts[name][field]]
        if name != "notes":
            parts[name]["customer"] = np.repeat(rows, counts[name])
    check_codes(parts["pieces"])
    check_within(parts["notes"]["owner"], np.repeat(counts["pieces"], counts["notes"]), "an event")
    first_piece = np.cumsum(counts["pieces"]) - counts["pieces"]
    parts["notes"]["owner"] += np.repeat(first_piece, counts["notes"]).astype(np.int32)
    header = fresh_header(len(names))
    put(header, rows, parts.pop("header"))
    header["customer"] = np.arange(len(names))
    return Working(list(names), header, **parts)


def _offsets(place: NDArray[np.int64], counts: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Offsets of ``counts`` records of one size that begin at each ``place``."""
    first = np.cumsum(counts) - counts
    return np.asarray(np.repeat(place - first * size, counts) + np.arange(int(counts.sum())) * size)


def _texts(
    values: Sequence[bytes], begin: Sequence[int], counts: NDArray[np.int64], strings: Strings
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Codes of the strings of ``values``, one value after the other, and where those of each begin."""
    blob = _SEPARATOR.join([value[start:] for value, start in zip(values, begin, strict=True)])
    try:
        texts = blob.decode().split(SEPARATOR) if values else []
    except UnicodeDecodeError as error:
        raise StateError(f"unreadable customer state: {error}") from error
    if len(texts) != counts.sum():
        raise StateError("unreadable customer state: another number of strings")
    return strings.codes(texts), np.cumsum(counts) - counts


def pack(working: Working, stamp: int, strings: Strings) -> list[bytes]:
    """Stored values of all customers of ``working``, in the order of its names."""
    count = len(working.names)
    ordered = _by_customer(working)
    leads = np.zeros(count, LEAD)
    leads["stamp"], leads["version"] = stamp, STATE_VERSION
    codes, first = _localised(ordered, count)
    leads["texts"] = np.diff(first)
    counts = {name: np.bincount(ordered[name][0], minlength=count) for name, _, _ in _PARTS}
    sizes = np.full(count, LEAD.itemsize)
    for name, dtype, _ in _PARTS:
        sizes += counts[name] * dtype.itemsize
    ends = np.cumsum(sizes)
    place = ends - sizes + LEAD.itemsize
    for name, _, _ in _LISTS:
        leads[name] = counts[name]
    buffer = bytearray(int(sizes.sum()))
    write_at(buffer, ends - sizes, leads)
    for name, dtype, _ in _PARTS:
        records = ordered[name][1]
        if name != "notes":
            records["customer"] = 0  # a place in this batch means nothing in another
        write_at(buffer, _offsets(place, counts[name], dtype.itemsize), records)
        place += counts[name] * dtype.itemsize
    records_of, texts_of = _slices(buffer, ends - sizes, ends), _slices(*_encoded(codes, first, strings))
    return list(map(b"".join, zip(records_of, texts_of, strict=True)))


def _slices(blob: bytes | bytearray, begin: NDArray[np.int64], end: NDArray[np.int64]) -> list[memoryview]:
    view = memoryview(blob)
    return [view[a:b] for a, b in zip(begin.tolist(), end.tolist(), strict=True)]


def _encoded(
    codes: NDArray[np.int64], first: NDArray[np.int64], strings: Strings
) -> tuple[bytes, NDArray[np.int64], NDArray[np.int64]]:
    """All strings behind ``codes`` in one, and where those begin and end that ``first`` splits them into."""
    distinct = present(codes)
    table = np.empty(strings.size, object)
    table[distinct] = [text.encode() for text in strings.take(distinct).tolist()]
    sizes = np.zeros(strings.size, np.int64)
    sizes[distinct] = [len(text) for text in table[distinct].tolist()]
    begin = np.concatenate(([0], np.cumsum(sizes[codes] + 1)))[first]
    return _SEPARATOR.join(table[codes].tolist()), begin[:-1], begin[1:] - 1


def _by_customer(working: Working) -> dict[str, tuple[NDArray[np.int64], Records]]:
    """Each part sorted by customer, with the customer of each row; notes follow their owners."""
    parts: dict[str, tuple[NDArray[np.int64], Records]] = {}
    for name, _, _ in _PARTS:
        records = getattr(working, name)
        if name == "notes":
            continue
        order = np.argsort(records["customer"], kind="stable")
        ordered = pick(records, order)
        parts[name] = (ordered["customer"].astype(np.int64), ordered)
        if name == "pieces":
            parts["notes"] = _notes_by_customer(working.notes, order, parts[name][0], len(working.names))
    return parts


def _notes_by_customer(
    notes: Records, order: NDArray[np.int64], customer: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], Records]:
    """Notes in the order of their owners, which count from each customer's first piece."""
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    owner = place[notes["owner"]]
    by_owner = np.argsort(owner, kind="stable")
    notes, owner = pick(notes, by_owner), owner[by_owner]
    owners = customer[owner]
    sizes = np.bincount(customer, minlength=count)
    notes["owner"] = owner - (np.cumsum(sizes) - sizes)[owners]
    return owners, notes


def _localised(
    parts: Mapping[str, tuple[NDArray[np.int64], Records]], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Replace interner codes by indices into each customer's own list of strings (which starts with "").

    Returns the codes of all lists, one after the other, and where each begins (and the last ends).
    """
    keys = [np.arange(count, dtype=np.int64) << 32]
    targets = []
    for name, _, fields in _PARTS:
        customers, records = parts[name]
        other = begins(customers)
        high = customers << 32
        for field in fields:
            codes = records[field].copy()
            new = other | begins(codes)  # neighbours often say the same: only where a run of equals begins
            starts = np.flatnonzero(new)
            keys.append(high[starts] | codes[starts])
            targets.append((records, field, np.cumsum(new) - 1, customers[starts]))
    pairs, place = np.unique(np.concatenate(keys), return_inverse=True)
    first = place[:count]
    start = count
    for records, field, run, customers in targets:
        records[field] = (place[start : start + len(customers)] - first[customers])[run]
        start += len(customers)
    return pairs & 0xFFFFFFFF, np.append(first, len(pairs))
