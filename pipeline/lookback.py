"""Looking back: what an interaction says in the light of the customer's other interactions.

What is looked at of an interaction is what it was inside the cell window of its start, in order of (start, sequence,
event hash). That is final after a while, so the answers are a function of the set of events, whatever came when, and
may be remembered: as flags of the stored pieces, and as traces of the interactions that left the state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.ordering import order_of
from pipeline.policy import Policy
from pipeline.records import (
    FLAG_ASKED,
    FLAG_CANCELLED,
    FLAG_OTHER_CHANNEL,
    FLAG_PROACTIVE_VISIBLE,
    FLAG_REPEAT,
    LOOKED_BACK,
    TRACE,
    joined,
    pick,
)
from schemas.event import EVENT_TYPES

Records = NDArray[Any]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]
Bits = NDArray[np.uint32]


def _bits(*types: str) -> np.uint32:
    return np.uint32(sum(1 << EVENT_TYPES.index(name) for name in types))


_CONTACT: Final = _bits("call", "chat", "message", "conversation", "store_visit", "complaint")
"""The customer turns to the company. A case is none: most are opened by whoever answered the customer."""
_TRY: Final = _CONTACT | _bits("browse")
"""So does a visit to the site, though to no person."""


def judge(within: Records, remembered: Bits, traces: Records, final_before_ms: int, policy: Policy) -> Bits:
    """LOOKED_BACK flags of interactions, ``within`` (dtype PIECE) being what they were inside their cell window.

    Interactions that started before ``final_before_ms`` (and, to be cancelled, a proactive window earlier) keep the
    flags ``remembered``; ``traces`` (dtype TRACE) are the interactions that are no longer among them.
    """
    found = _contacts(within, traces, policy)
    cancelled = _cancelled(within, traces, policy)
    start = within["start_ms"]
    look_back = np.uint32(FLAG_ASKED | FLAG_REPEAT | FLAG_OTHER_CHANNEL)
    made = np.where(start < final_before_ms, remembered & look_back, found)
    kept = start < final_before_ms - policy.proactive_window_ms
    made |= np.where(kept, remembered & np.uint32(FLAG_CANCELLED), cancelled)
    return np.asarray(made)


def put(rows: Records, found: Bits) -> None:
    """Set the LOOKED_BACK flags of ``rows``, in place."""
    rows["flags"] = rows["flags"] & ~LOOKED_BACK | found


def first_flags(pieces: Records, order: Index, starts: Index) -> Bits:
    """LOOKED_BACK flags of the first piece of each interaction: as they were when it was stored."""
    return np.asarray(pieces["flags"][order[starts]] & LOOKED_BACK)


def for_cells(within: Records) -> None:
    """Take back what became of proactive service, in place: it may come after the cell is final."""
    within["flags"] &= ~np.uint32(FLAG_CANCELLED)


def traces_of(gone: Records, within: Records) -> Records:
    """Traces of interactions ``gone`` (flags over ``within``) that others may look back at."""
    left = pick(within, gone & ((within["types"] & _TRY) != 0) & ((within["reason"] != 0) | (within["journey"] != 0)))
    return _traces(left)


def _traces(facts: Records) -> Records:
    made = np.zeros(len(facts), TRACE)
    for name in ("customer", "start_ms", "sequence", "event_hash", "channel", "journey", "reason"):
        made[name] = facts[name]
    made["contact"] = (facts["types"] & _CONTACT) != 0
    return made


def needed(traces: Records, watermark_ms: int, policy: Policy) -> Flags:
    """Traces that an interaction may still look back at."""
    return np.asarray(expiry(traces, policy) >= watermark_ms)


def expiry(traces: Records, policy: Policy) -> Index:
    """Watermark after which nothing looks back at a trace."""
    return np.asarray(traces["start_ms"] + policy.trace_retention_ms)


def held_longer_ms(rows: Records, policy: Policy) -> Index:
    """How much longer than others an interaction must stay: a contact may still cancel proactive service."""
    seen = (rows["flags"] & np.uint32(FLAG_PROACTIVE_VISIBLE)) != 0
    return np.where(seen, policy.proactive_window_ms, 0)


@dataclass(frozen=True, slots=True)
class _Points:
    """Interactions and traces in order of (customer, matter, time); ``fact`` is -1 for a trace."""

    records: Records
    fact: Index
    first: Flags
    """Where another customer or matter begins."""

    @property
    def begin(self) -> Index:
        """Of each point, the first one of the same customer and matter."""
        return np.maximum.accumulate(np.where(self.first, np.arange(len(self.first)), 0))


def _points(within: Records, chosen: Flags, traces: Records, matter: str) -> _Points:
    """Points of the facts ``chosen`` and of ``traces`` that name the ``matter`` (reason or journey)."""
    facts = np.flatnonzero(chosen & (within[matter] != 0))
    old = pick(traces, traces[matter] != 0)
    records = joined((_traces(pick(within, facts)), old))
    order = order_of(*(records[name] for name in ("customer", matter, "start_ms", "sequence", "event_hash")))
    records = pick(records, order)
    first = np.ones(len(order), np.bool_)
    first[1:] = (records["customer"][1:] != records["customer"][:-1]) | (records[matter][1:] != records[matter][:-1])
    return _Points(records, np.append(facts, np.full(len(old), -1))[order], first)


def _contacts(within: Records, traces: Records, policy: Policy) -> Bits:
    """FLAG_ASKED, FLAG_REPEAT and FLAG_OTHER_CHANNEL of each fact."""
    found = np.zeros(len(within), np.uint32)
    points = _points(within, (within["types"] & _TRY) != 0, traces, "reason")
    records, place = points.records, np.arange(len(points.fact))
    if not len(place):
        return found
    start, begin = records["start_ms"], points.begin
    contact = np.append(-1, np.maximum.accumulate(np.where(records["contact"], place, -1))[:-1])
    repeat = (contact >= begin) & (start - start[contact] <= policy.repeat_window_ms)
    turns = points.first.copy()
    turns[1:] |= records["channel"][1:] != records["channel"][:-1]
    other = np.maximum.accumulate(np.where(turns, place, 0)) - 1
    second = (other >= begin) & (start - start[other] <= policy.other_channel_window_ms)
    made = FLAG_ASKED | FLAG_REPEAT * repeat.astype(np.uint32) | FLAG_OTHER_CHANNEL * second.astype(np.uint32)
    asked = (points.fact >= 0) & records["contact"]
    found[points.fact[asked]] = made[asked]
    return found


def _cancelled(within: Records, traces: Records, policy: Policy) -> Bits:
    """FLAG_CANCELLED of each fact with visible proactive service."""
    seen = (within["flags"] & np.uint32(FLAG_PROACTIVE_VISIBLE)) != 0
    found = np.zeros(len(within), np.uint32)
    if not seen.any():
        return found
    contact = (within["types"] & _CONTACT) != 0
    for matter in ("reason", "journey"):
        points = _points(within, seen | contact, pick(traces, traces["contact"]), matter)
        place = np.arange(len(points.fact))
        if not len(place):
            continue
        start = points.records["start_ms"]
        later = np.minimum.accumulate(np.where(points.records["contact"], place, len(place))[::-1])[::-1]
        after = np.append(later[1:], len(place))
        same = after < np.append(np.flatnonzero(points.first), len(place))[np.cumsum(points.first)]
        soon = start[np.minimum(after, len(place) - 1)] - start <= policy.proactive_window_ms
        hit = (points.fact >= 0) & same & soon
        hit[hit] = seen[points.fact[hit]]
        found[points.fact[hit]] = FLAG_CANCELLED
    return found
