"""Sessionizing = merging intervals: events of one thread with gaps below the threshold are one interaction.

A *thread* is an explicit interaction id, or a channel and an explicit journey id. Late and out-of-order events
extend, bridge and merge interactions without a special path: pieces are sorted by (thread, start), cut where the
start exceeds the running maximum of the ends by more than the gap, and reduced by the rules of records.PIECE.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.policy import Policy
from pipeline.records import (
    EXPLICIT,
    IMPLICIT,
    LOOKED_BACK,
    NOTE_ANSWER,
    NOTE_COMPLETION,
    ONE_WAY,
    copied,
    joined,
    pick,
    put,
)
from pipeline.strings import Strings

Records = NDArray[Any]
Index = NDArray[np.int64]

_FIRST_NAMED: Final = ("goal", "reason")
_LAST_CODES: Final = ("segment", "outcome", "team", "skill", "skill_needed")
_LAST_SMALL: Final = ("status", "visible", "resolved")
_SUMS: Final = ("wait_s", "duration_s", "amount")
_TIME_BITS: Final = 43
"""Epoch milliseconds up to the year 2248 fit in 43 bits; the rest of an int64 counts threads of one batch."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Two-way pieces in order, and where each interaction begins.

    ``order`` indexes the pieces given; ``starts`` indexes ``order``; ``of`` gives the group of each ordered piece.
    """

    order: Index
    starts: Index
    of: Index

    @property
    def sizes(self) -> Index:
        """Pieces per interaction."""
        return np.diff(np.append(self.starts, len(self.order)))


def subset(groups: Groups, chosen: NDArray[np.bool_]) -> Groups:
    """Only the interactions ``chosen`` (flags over ``groups.starts``), renumbered."""
    kept = chosen[groups.of]
    of = (np.cumsum(chosen) - 1)[groups.of[kept]]
    return Groups(groups.order[kept], np.flatnonzero(np.diff(of, prepend=-1)), of)


def channel_gaps(channels: NDArray[np.int32], strings: Strings, policy: Policy) -> Index:
    """The gap in milliseconds of each channel code."""
    codes, place = np.unique(channels, return_inverse=True)
    return np.array([policy.channel_gap_ms(strings.text(code)) for code in codes.tolist()], np.int64)[place]


def group(pieces: Records, strings: Strings, policy: Policy) -> Groups:
    """Find the interactions among ``pieces`` (dtype PIECE; one-way pieces are left out)."""
    two_way = np.flatnonzero(pieces["grouping"] != ONE_WAY)
    explicit = pieces["grouping"][two_way] == EXPLICIT
    high = np.where(explicit, pieces["interaction"][two_way], pieces["channel"][two_way]).astype(np.int64)
    low = np.where(explicit, np.int64(-1), pieces["journey"][two_way])
    customer = pieces["customer"][two_way]
    keys = (
        pieces["event_hash"][two_way],
        pieces["sequence"][two_way],
        pieces["start_ms"][two_way],
        high << 32 | (low + 1),
        customer,
    )
    order = np.lexsort(keys)
    ordered = two_way[order]
    thread = (keys[3][order], customer[order])
    new_thread = np.ones(len(order), bool)
    new_thread[1:] = (thread[0][1:] != thread[0][:-1]) | (thread[1][1:] != thread[1][:-1])
    cut = new_thread | _silent(pick(pieces, ordered), new_thread, strings, policy)
    return Groups(ordered, np.flatnonzero(cut), np.cumsum(cut) - 1)


def regroup(pieces: Records, strings: Strings, policy: Policy) -> Groups:
    """The interactions of pieces that :func:`group` has ordered before (as stored): no sort."""
    ordered = np.flatnonzero(pieces["grouping"] != ONE_WAY)
    kept = pick(pieces, ordered)
    new_thread = np.ones(len(ordered), bool)
    explicit = kept["grouping"] == EXPLICIT
    high = np.where(explicit, kept["interaction"], kept["channel"])
    low = np.where(explicit, np.int32(-1), kept["journey"])
    new_thread[1:] = (kept["customer"][1:] != kept["customer"][:-1]) | (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    cut = new_thread | _silent(kept, new_thread, strings, policy)
    return Groups(ordered, np.flatnonzero(cut), np.cumsum(cut) - 1)


def _silent(ordered: Records, new_thread: NDArray[np.bool_], strings: Strings, policy: Policy) -> NDArray[np.bool_]:
    """Where an implicit piece starts more than its channel's gap after everything before it in its thread."""
    silent = np.zeros(len(ordered), bool)
    rank = np.cumsum(new_thread) << _TIME_BITS
    reach = np.maximum.accumulate(rank + ordered["end_ms"])
    gaps = channel_gaps(ordered["channel"], strings, policy)
    silent[1:] = (rank + ordered["start_ms"])[1:] > reach[:-1] + gaps[1:]
    return np.asarray(silent & (ordered["grouping"] == IMPLICIT))


def reduce(ordered: Records, starts: Index, begun_ms: Index, policy: Policy) -> Records:
    """Reduce runs of ordered pieces to one piece each, by the rules of records.PIECE.

    ``starts`` are the first indices of the runs; ``begun_ms`` is, per piece, the start of its interaction
    (a run may be a part of an interaction).
    """
    facts = _named_in_time(pick(ordered, starts), begun_ms[starts], policy)
    sizes = _run_lengths(starts, len(ordered))
    several = sizes > 1
    if several.any():  # most runs are one piece, and every column of a piece that is looked at costs
        members = np.repeat(several, sizes)
        inner = np.cumsum(sizes[several]) - sizes[several]
        put(facts, several, _reduce_all(pick(ordered, members), inner, begun_ms[members], policy))
    return facts


def _reduce_all(ordered: Records, starts: Index, begun_ms: Index, policy: Policy) -> Records:
    facts = pick(ordered, starts)
    facts["end_ms"] = np.maximum.reduceat(ordered["end_ms"], starts)
    for name in ("offset", "severity"):
        facts[name] = np.maximum.reduceat(ordered[name], starts)
    facts["events"] = np.add.reduceat(ordered["events"], starts)
    for name in ("types", "flags"):
        facts[name] = np.bitwise_or.reduceat(ordered[name], starts)
    facts["content_hash"] = 0
    facts["last_type"] = ordered["last_type"][np.append(starts[1:], len(ordered)) - 1]
    in_time = ordered["start_ms"] <= begun_ms + policy.naming_window_ms
    for name in _FIRST_NAMED:
        _first_given(facts, ordered, name, starts, in_time)
    _first_given(facts, ordered, "journey", starts, in_time | (ordered["grouping"] == IMPLICIT))
    _first_given(facts, ordered, "touchpoint", starts, None)
    for name in _LAST_CODES:
        _last_given(facts, ordered, name, starts, ordered[name] != 0)
    for name in _LAST_SMALL:
        _last_given(facts, ordered, name, starts, ordered[name] >= 0)
    _last_given(facts, ordered, "promised_s", starts, ~np.isnan(ordered["promised_s"]))
    for name in _SUMS:
        _sum_given(facts, ordered, name, starts, ~np.isnan(ordered[name]), np.nan)
    _sum_given(facts, ordered, "transfers", starts, ordered["transfers"] >= 0, -1)
    return facts


def _run_lengths(starts: Index, total: int) -> Index:
    return np.diff(np.append(starts, total))


def _named_in_time(facts: Records, begun_ms: Index, policy: Policy) -> Records:
    """Runs of one piece keep what they say, but for names given too late."""
    tardy = facts["start_ms"] > begun_ms + policy.naming_window_ms
    if np.any(tardy):
        for name in _FIRST_NAMED:
            facts[name][tardy] = 0
        facts["journey"][tardy & (facts["grouping"] == EXPLICIT)] = 0
    return facts


def _first_given(facts: Records, ordered: Records, name: str, starts: Index, allowed: NDArray[np.bool_] | None) -> None:
    values = ordered[name]
    given = values != 0 if allowed is None else (values != 0) & allowed
    places = np.where(given, np.arange(len(ordered)), len(ordered))
    first = np.minimum.reduceat(places, starts)
    facts[name] = np.append(values, 0)[np.where(first < len(ordered), first, len(ordered))]


def _last_given(facts: Records, ordered: Records, name: str, starts: Index, given: NDArray[np.bool_]) -> None:
    last = np.maximum.reduceat(np.where(given, np.arange(len(ordered)), -1), starts)
    values = ordered[name]
    facts[name] = np.where(last >= 0, values[last], facts[name])


def _sum_given(
    facts: Records, ordered: Records, name: str, starts: Index, given: NDArray[np.bool_], missing: float
) -> None:
    values = ordered[name]
    total = np.add.reduceat(np.where(given, values, 0), starts)
    facts[name] = np.where(np.logical_or.reduceat(given, starts), total, missing)


@dataclass(frozen=True, slots=True)
class Facts:
    """Interactions as known now.

    ``rows`` has dtype PIECE, one per interaction; ``within`` is the same from evidence inside the cell window only;
    ``begun_ms`` and ``beyond`` are per ordered piece (``groups.order``).
    """

    groups: Groups
    rows: Records
    within: Records
    begun_ms: Index
    beyond: NDArray[np.bool_]


def facts_of(pieces: Records, groups: Groups, policy: Policy) -> Facts:
    """Reduce each interaction, once whole and once without what came after the cell window."""
    ordered = pick(pieces, groups.order)
    begun = ordered["start_ms"][groups.starts][groups.of] if len(ordered) else np.zeros(0, np.int64)
    beyond = ordered["start_ms"] > begun + policy.cell_window_ms
    rows = reduce(ordered, groups.starts, begun, policy)
    if not np.any(beyond):
        return Facts(groups, rows, rows, begun, beyond)
    kept = pick(ordered, ~beyond)
    of = groups.of[~beyond]
    starts = np.flatnonzero(np.append(True, of[1:] != of[:-1]))
    return Facts(groups, rows, reduce(kept, starts, begun[~beyond], policy), begun, beyond)


def closed(facts: Records, watermark_ms: int, strings: Strings, policy: Policy) -> NDArray[np.bool_]:
    """Interactions that have been silent for longer than their channel's gap."""
    return watermark_ms > facts["end_ms"] + channel_gaps(facts["channel"], strings, policy)


def seal(
    pieces: Records, notes: Records, facts: Facts, before_ms: int, confirmed: int, policy: Policy
) -> tuple[Records, Records]:
    """What to store: pieces that can no longer change become one per interaction and side of the cell window.

    Only pieces that ended before ``before_ms`` and lie at or below the log offset ``confirmed`` are sealed.
    Returns the pieces (one-way pieces last) and their notes.
    """
    order, of = facts.groups.order, facts.groups.of
    ordered = pick(pieces, order)
    final = (ordered["end_ms"] < before_ms) & (ordered["offset"] <= confirmed)
    merges = np.zeros(len(order), bool)
    merges[1:] = (of[1:] == of[:-1]) & final[1:] & final[:-1] & (facts.beyond[1:] == facts.beyond[:-1])
    starts = np.flatnonzero(~merges)
    stored = reduce(ordered, starts, facts.begun_ms, policy)
    if len(starts):
        stored["journey_start"] = facts.rows["journey_start"][of[starts]]
        stored["flags"] = stored["flags"] & ~LOOKED_BACK | facts.rows["flags"][of[starts]] & LOOKED_BACK
    one_way = np.flatnonzero(pieces["grouping"] == ONE_WAY)
    place = np.empty(len(pieces), np.int32)
    place[order] = np.cumsum(~merges) - 1
    place[one_way] = len(stored) + np.arange(len(one_way))
    moved = copied(notes)
    moved["owner"] = place[notes["owner"]]
    return joined((stored, pick(pieces, one_way))), latest(moved)


def notes_of(notes: Records, groups: Groups, total: int) -> Records:
    """Notes by interaction: ``owner`` becomes the index of the fact, superseded measures and attributes go."""
    fact = np.full(total, -1, np.int32)
    fact[groups.order] = groups.of
    moved = copied(notes)
    moved["owner"] = fact[notes["owner"]]
    return latest(pick(moved, moved["owner"] >= 0))


def latest(notes: Records) -> Records:
    """Notes in order of (owner, kind, name, time); of equally named measures and attributes only the last stays."""
    order = np.lexsort(tuple(notes[name] for name in ("event_hash", "sequence", "at_ms", "name", "kind", "owner")))
    notes = pick(notes, order)
    keep = np.isin(notes["kind"], (NOTE_ANSWER, NOTE_COMPLETION))
    if len(notes):
        same = (notes["owner"][1:] == notes["owner"][:-1]) & (notes["kind"][1:] == notes["kind"][:-1])
        keep |= ~np.append(same & (notes["name"][1:] == notes["name"][:-1]), False)
    return pick(notes, keep)
