"""Record layouts of the columnar core: fixed-width NumPy records, strings as codes of an interner.

Conventions: times are epoch milliseconds (``int64``), durations ``*_s`` seconds (``float64``, NaN = not given),
string columns are ``int32`` codes of a :class:`pipeline.strings.Strings` (0 = empty), small optional numbers
use -1 for "not given". The layouts are part of the changelog format: change them only with STATE_VERSION.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

STATE_VERSION: Final = 3
"""3: a customer's records lie side by side behind one lead. 2: cells in blocks, look-backs."""

_NAMES: Final = ("touchpoint", "segment", "goal", "reason", "outcome", "team", "skill", "skill_needed")
STRING_FIELDS: Final = ("channel", "interaction", "journey", *_NAMES)
"""String columns of an event and of a piece; ``interaction`` and ``journey`` hold explicit ids."""

_DETAILS: Final = [
    ("status", "i1"),  # index into schemas.event.CASE_STATUSES, -1 = none
    ("severity", "i1"),  # 1 minor .. 4 critical, -1 = not given
    ("visible", "i1"),  # -1 not given, 0, 1
    ("resolved", "i1"),  # -1 not given, 0, 1
    ("transfers", "i4"),  # -1 = not given
    ("wait_s", "f8"),
    ("promised_s", "f8"),
    ("duration_s", "f8"),
    ("amount", "f8"),
]

EVENT: Final = np.dtype(
    [
        ("offset", "i8"),
        ("append_ms", "i8"),
        ("occurred_ms", "i8"),
        ("sequence", "i4"),
        ("event_hash", "u8"),  # xxh3_64 of event_id (UTF-8)
        ("content_hash", "u8"),  # xxh3_64 of the canonical content: equal events have equal hashes
        ("customer", "i4"),
        ("type", "i1"),  # index into schemas.event.EVENT_TYPES
        *[(name, "i4") for name in STRING_FIELDS],
        *_DETAILS,
    ]
)
"""One accepted event."""

NOTE: Final = np.dtype(
    [
        ("owner", "i4"),  # index of the event or piece that this note belongs to
        ("kind", "u1"),  # NOTE_*
        ("name", "i4"),  # scale of an answer, name of a measure or attribute
        ("text", "i4"),  # value of an attribute
        ("value", "f8"),  # value of an answer or measure
        ("low", "f8"),  # scale_min of an answer
        ("high", "f8"),  # scale_max of an answer
        ("at_ms", "i8"),
        ("sequence", "i4"),
        ("event_hash", "u8"),
    ]
)
"""Something of variable number that an event brought: an answer, a measure, an attribute."""

NOTE_ANSWER: Final = 0
NOTE_MEASURE: Final = 1
NOTE_ATTRIBUTE: Final = 2
NOTE_COMPLETION: Final = 3
"""A completion of the journey's goal at ``at_ms`` (made by sessionize, not by decode)."""
NOTE_CARRIED: Final = 4  # a feature of the journey from before an interaction (pipeline.carried)
NOTE_STRING_FIELDS: Final = ("name", "text")

PIECE: Final = np.dtype(
    [
        ("customer", "i4"),
        ("grouping", "u1"),  # IMPLICIT, EXPLICIT, ONE_WAY or CARRIED
        ("start_ms", "i8"),
        ("end_ms", "i8"),
        ("sequence", "i4"),  # of its first event
        ("event_hash", "u8"),  # of its first event
        ("content_hash", "u8"),  # of its only event; 0 once sealed
        ("offset", "i8"),  # largest log offset in it
        ("events", "i4"),
        ("type", "i1"),  # of its first event
        ("last_type", "i1"),  # of its last event
        ("types", "u4"),  # bit i set: has an event of EVENT_TYPES[i]
        ("flags", "u4"),  # FLAG_*
        ("journey_start", "i8"),  # start of the implicit journey once settled, else UNSETTLED
        *[(name, "i4") for name in STRING_FIELDS],
        *_DETAILS,
    ]
)
"""One event, or the events of one interaction that can no longer change, reduced. A reduced interaction
(*fact*) has the same layout. Rules over the pieces in order of (start, sequence, event_hash): first value:
channel, interaction, type, sequence, event_hash; first given within the naming window: goal, reason, and of
explicit interactions journey; first given: touchpoint; last given: segment, outcome, team, skill, skill_needed,
status, visible, resolved, promised_s; last value: last_type; sum of given: wait_s, duration_s, amount, transfers;
max: severity, end_ms, offset; sum: events; or: types, flags."""

IMPLICIT: Final = 0
EXPLICIT: Final = 1
ONE_WAY: Final = 2
CARRIED: Final = 3  # no events: what is left of a journey's features (pipeline.trail_state)
UNSETTLED: Final = np.iinfo(np.int64).min

FLAG_FAILED_PAYMENT: Final = 1
FLAG_REFUND: Final = 2
FLAG_COMPLETED: Final = 4
FLAG_REOPENED: Final = 8
FLAG_PROACTIVE_VISIBLE: Final = 16
FLAG_PROACTIVE_UNSEEN: Final = 32
FLAG_BILL: Final = 1024
FLAG_WRONG_BILL: Final = 2048
FLAG_PRICE: Final = 4096
FLAG_PRICING_SKILL: Final = 8192
FLAG_MISSED: Final = 16384
FLAG_ON_TIME: Final = 32768
FLAG_ASKED: Final = 64
"""The customer turned to the company and said why: the two flags below are known."""
FLAG_REPEAT: Final = 128
"""So the customer had before, about the same reason."""
FLAG_OTHER_CHANNEL: Final = 256
"""The customer had tried another channel about the same reason."""
FLAG_CANCELLED: Final = 512
"""The customer had to get in touch about the proactive service in it."""
LOOKED_BACK: Final = np.uint32(FLAG_ASKED | FLAG_REPEAT | FLAG_OTHER_CHANNEL | FLAG_CANCELLED)
"""Flags that say something of the customer's other interactions: of a stored piece, as known when it was stored."""

JOURNEY: Final = np.dtype(
    [
        ("customer", "i4"),
        ("journey", "i4"),  # explicit id; 0 = implicit
        ("goal", "i4"),  # of implicit journeys: part of the identity
        ("start_ms", "i8"),
        ("end_ms", "i8"),
        ("last_start_ms", "i8"),  # start of its last interaction
        ("last_completion_ms", "i8"),  # UNSETTLED = none
        ("interactions", "i4"),
        ("events", "i4"),
        ("answers", "i4"),
        ("completed", "u1"),
        ("resolved", "i1"),
        ("resolved_ms", "i8"),
        ("resolved_tie", "u8"),  # event_hash of the interaction that said so: decides between equal times
        ("segment", "i4"),
        ("segment_ms", "i8"),
        ("segment_tie", "u8"),
        ("transfers", "i8"),
        ("wait_s", "f8"),
        ("duration_s", "f8"),
        ("weight", "f8", (3,)),
        ("sum", "f8", (3,)),
        ("stated", "f8", (3,)),
    ]
)
"""What is left of a journey's interactions that left the state, by commutative rules (sum, min, max, latest)."""
JOURNEY_STRING_FIELDS: Final = ("journey", "goal", "segment")

HEADER: Final = np.dtype(
    [
        ("customer", "i4"),
        ("segment", "i4"),
        ("segment_ms", "i8"),
        ("segment_tie", "u8"),
        ("first_ms", "i8"),
        ("last_ms", "i8"),
        ("events", "i8"),
        ("interactions", "i8"),
        ("answers", "i8"),
        ("base_ms", "i8"),
        ("base", "f8", (2, 3, 3)),  # horizon (journey, relationship) x part (weight, sum, stated) x dimension
        ("expected_ms", "i8"),
        ("exposure", "f8", (3,)),  # ad, recommendation, promise
        ("one_way", "i8", (3,)),
        ("watched_ms", "i8"),  # interactions that started before were folded into the fields below
        ("past_ms", "i8"),
        ("past", "f8", (3, 3)),  # weight, sum, level of the customer's detector x dimension, at past_ms
        ("deadline", "i8"),
    ]
)
"""What is left for life of a customer's interactions that left the state: sums at ``base_ms`` and counts."""
HEADER_STRING_FIELDS: Final = ("segment",)
NEVER: Final = np.iinfo(np.int64).max

MARK: Final = np.dtype(
    [
        ("customer", "i4"),
        ("at_ms", "i8"),
        ("sequence", "i4"),
        ("event_hash", "u8"),
        ("kind", "u1"),  # MARK_FAILURE or MARK_RECOVERY
        ("interaction", "i4"),
        ("journey", "i4"),
        ("reason", "i4"),
        ("channel", "i4"),
        ("touchpoint", "i4"),
        ("segment", "i4"),
        ("severity", "i1"),
        ("offset", "i8"),
        ("again", "?"),  # of a failure: there was one of its reason shortly before
        ("weight", "f8", (3,)),  # of a failure: what its signal weighs in its interaction
        ("points", "f8"),  # of a failure: the value of its signal
    ]
)
"""A failure or a recovery, for service recovery; ``interaction`` is the explicit id of the event's interaction."""
MARK_FAILURE: Final = 0
MARK_RECOVERY: Final = 1
MARK_STRING_FIELDS: Final = ("interaction", "journey", "reason", "channel", "touchpoint", "segment")

TRACE: Final = np.dtype(
    [
        ("customer", "i4"),
        ("start_ms", "i8"),
        ("sequence", "i4"),
        ("event_hash", "u8"),
        ("contact", "?"),
        ("channel", "i4"),
        ("journey", "i4"),
        ("reason", "i4"),
    ]
)
"""What a look back needs of an interaction that left the state; the fields are those of its PIECE."""
TRACE_STRING_FIELDS: Final = ("channel", "journey", "reason")


def _plain(records: NDArray[Any]) -> NDArray[Any]:
    """The same memory as records without fields: NumPy moves those whole, others field by field (40 times slower)."""
    plain: NDArray[Any] = records.view(np.dtype((np.void, records.dtype.itemsize)))
    return plain


def tail(records: NDArray[Any]) -> NDArray[Any]:
    """The fields that EVENT and PIECE share at their end, from the channel to the amount, as one field."""
    start = records.dtype.fields[STRING_FIELDS[0]][1] if records.dtype.fields else 0
    size = records.dtype.itemsize - start
    whole = np.dtype({"names": ["tail"], "formats": [(np.void, size)], "offsets": [start], "itemsize": start + size})
    found: NDArray[Any] = records.view(whole)["tail"]
    return found


def extended(records: NDArray[Any], more: int) -> NDArray[Any]:
    """``records`` and behind them ``more`` that are zero."""
    grown = np.zeros(len(records) + more, records.dtype)
    _plain(grown)[: len(records)] = _plain(records)
    return grown


def pick(records: NDArray[Any], chosen: NDArray[Any]) -> NDArray[Any]:
    """``records[chosen]``: a copy of the records of some indices or flags."""
    picked: NDArray[Any] = _plain(records)[chosen].view(records.dtype)
    return picked


def put(records: NDArray[Any], chosen: NDArray[Any], values: NDArray[Any]) -> None:
    """``records[chosen] = values`` of the same layout, in place."""
    _plain(records)[chosen] = _plain(values)


def copied(records: NDArray[Any]) -> NDArray[Any]:
    """``records.copy()``."""
    copy: NDArray[Any] = _plain(records).copy().view(records.dtype)
    return copy


def among(records: NDArray[Any], others: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of ``records`` are equal to one of ``others``, of the same layout, byte by byte.

    NumPy's ``isin`` sorts records field by field; a set of their bytes is several times faster.
    """
    if not len(others):
        return np.zeros(len(records), np.bool_)
    known = set(_plain(others).tolist())
    return np.fromiter(map(known.__contains__, _plain(records).tolist()), np.bool_, len(records))


def joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Arrays of one record layout as one."""
    whole: NDArray[Any] = np.concatenate([_plain(part) for part in parts]).view(parts[0].dtype)
    return whole


def read_at(blob: bytes, offsets: NDArray[np.int64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Records that begin at any ``offsets`` (bytes) of ``blob``, as a copy."""
    if not len(offsets):
        return np.zeros(0, dtype)
    places = max(0, len(blob) - dtype.itemsize + 1)
    # One record at every byte: they overlap, and only those asked for are looked at.
    everywhere = np.ndarray((places,), np.dtype((np.void, dtype.itemsize)), blob, strides=(1,))
    found: NDArray[Any] = everywhere[offsets].view(dtype)
    return found


def write_at(blob: bytearray, offsets: NDArray[np.int64], records: NDArray[Any]) -> None:
    """Put each of ``records`` at its offset (bytes) into ``blob``."""
    if len(offsets):
        places, size = len(blob) - records.dtype.itemsize + 1, records.dtype.itemsize
        np.ndarray((places,), np.dtype((np.void, size)), blob, strides=(1,))[offsets] = _plain(records)
