"""Sessionizing = merging intervals: events of one thread with gaps below the threshold are one interaction.

A *thread* is an explicit interaction id, or a channel and an explicit journey id. Late and out-of-order events
extend, bridge and merge interactions without a special path: pieces are sorted by (thread, start), cut where the
start exceeds the running maximum of the ends by more than the gap, and reduced by the rules of records.PIECE.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.ordering import begins, order_of, present
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
    gaps = np.zeros(strings.size, np.int64)
    codes = present(channels)
    gaps[codes] = [policy.channel_gap_ms(strings.text(code)) for code in codes.tolist()]
    return gaps[channels]


class _Threads(NamedTuple):
    """What decides the interactions of pieces: the columns of their threads, and of their place in them."""

    customer: NDArray[np.int32]
    high: NDArray[np.int32]
    low: NDArray[np.int32]
    start_ms: Index
    end_ms: Index
    channel: NDArray[np.int32]
    implicit: NDArray[np.bool_]

    def take(self, order: Index) -> _Threads:
        return _Threads._make(column[order] for column in self)


def _threads(pieces: Records, chosen: Index) -> _Threads:
    customer, start, end, channel, interaction, journey, grouping = (
        pieces[name][chosen]
        for name in ("customer", "start_ms", "end_ms", "channel", "interaction", "journey", "grouping")
    )
    explicit = grouping == EXPLICIT
    high, low = np.where(explicit, interaction, channel), np.where(explicit, np.int32(-1), journey)
    return _Threads(customer, high, low, start, end, channel, grouping == IMPLICIT)


def group(pieces: Records, strings: Strings, policy: Policy) -> Groups:
    """Find the interactions among ``pieces`` (dtype PIECE; one-way pieces are left out)."""
    two_way = np.flatnonzero(pieces["grouping"] != ONE_WAY)
    threads = _threads(pieces, two_way)
    ties = pieces["sequence"][two_way], pieces["event_hash"][two_way]
    order = order_of(threads.customer, threads.high, threads.low, threads.start_ms, *ties)
    return _cut(two_way[order], threads.take(order), strings, policy)


def regroup(pieces: Records, strings: Strings, policy: Policy) -> Groups:
    """The interactions of pieces that :func:`group` has ordered before (as stored): no sort."""
    ordered = np.flatnonzero(pieces["grouping"] != ONE_WAY)
    return _cut(ordered, _threads(pieces, ordered), strings, policy)


def _cut(ordered: Index, threads: _Threads, strings: Strings, policy: Policy) -> Groups:
    """Interactions of ordered pieces: they begin with their thread, or after silence."""
    new_thread = begins(threads.customer, threads.high, threads.low)
    cut = new_thread | _silent(threads, new_thread, strings, policy)
    return Groups(ordered, np.flatnonzero(cut), np.cumsum(cut) - 1)


def _silent(threads: _Threads, new_thread: NDArray[np.bool_], strings: Strings, policy: Policy) -> NDArray[np.bool_]:
    """Where an implicit piece starts more than its channel's gap after everything before it in its thread."""
    silent = np.zeros(len(new_thread), bool)
    rank = np.cumsum(new_thread) << _TIME_BITS
    reach = np.maximum.accumulate(rank + threads.end_ms)
    gaps = channel_gaps(threads.channel, strings, policy)
    silent[1:] = (rank + threads.start_ms)[1:] > reach[:-1] + gaps[1:]
    return np.asarray(silent & threads.implicit)


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
    for name in ("end_ms", "offset", "severity"):
        facts[name] = np.maximum.reduceat(ordered[name], starts)
    facts["events"] = np.add.reduceat(ordered["events"], starts)
    for name in ("types", "flags"):
        facts[name] = np.bitwise_or.reduceat(ordered[name], starts)
    facts["content_hash"] = 0
    facts["last_type"] = ordered["last_type"][np.append(starts[1:], len(ordered)) - 1]
    run = np.repeat(np.arange(len(starts)), _run_lengths(starts, len(ordered)))
    in_time = ordered["start_ms"] <= begun_ms + policy.naming_window_ms
    for name in _FIRST_NAMED:
        _first_given(facts, ordered, name, run, in_time)
    _first_given(facts, ordered, "journey", run, in_time | (ordered["grouping"] == IMPLICIT))
    _first_given(facts, ordered, "touchpoint", run, None)
    for name in _LAST_CODES:
        _last_given(facts, ordered, name, run, ordered[name] != 0)
    for name in _LAST_SMALL:
        _last_given(facts, ordered, name, run, ordered[name] >= 0)
    _last_given(facts, ordered, "promised_s", run, ~np.isnan(ordered["promised_s"]))
    for name in _SUMS:
        _sum_given(facts, ordered, name, run, ~np.isnan(ordered[name]))
    _sum_given(facts, ordered, "transfers", run, ordered["transfers"] >= 0)
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


def _first_given(facts: Records, ordered: Records, name: str, run: Index, allowed: NDArray[np.bool_] | None) -> None:
    values = ordered[name]
    given = values != 0 if allowed is None else (values != 0) & allowed
    places = np.flatnonzero(given)[::-1]  # of several for one run the last counts: the first, from behind
    facts[name] = 0
    facts[name][run[places]] = values[places]


def _last_given(facts: Records, ordered: Records, name: str, run: Index, given: NDArray[np.bool_]) -> None:
    places = np.flatnonzero(given)
    facts[name][run[places]] = ordered[name][places]


def _sum_given(facts: Records, ordered: Records, name: str, run: Index, given: NDArray[np.bool_]) -> None:
    """Sums where something is given; the others keep the "not given" of their first piece."""
    places = np.flatnonzero(given)
    runs = run[places]
    total = np.bincount(runs, ordered[name][places], len(facts))
    facts[name][runs] = total[runs]


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
    parted = np.zeros(len(rows), bool)
    parted[groups.of[beyond]] = True
    kept = parted[groups.of] & ~beyond
    starts = np.flatnonzero(begins(groups.of[kept]))
    within = copied(rows)
    put(within, parted, reduce(pick(ordered, kept), starts, begun[kept], policy))
    return Facts(groups, rows, within, begun, beyond)


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


def notes_of(notes: Records, groups: Groups, total: int, beyond: NDArray[np.bool_]) -> Records:
    """Notes by interaction: ``owner`` becomes the index of the fact, superseded measures and attributes go.

    ``beyond`` says which ordered pieces lie after the cell window: they supersede nothing for the cells.
    """
    fact, side = np.full(total, -1, np.int32), np.zeros(total, bool)
    fact[groups.order], side[groups.order] = groups.of, beyond
    moved = copied(notes)
    moved["owner"] = fact[notes["owner"]]
    kept = moved["owner"] >= 0
    return latest(pick(moved, kept), side[notes["owner"][kept]])


def latest(notes: Records, beyond: NDArray[np.bool_] | None = None) -> Records:
    """Notes in order of (owner, kind, name, time); of equally named measures and attributes only the last stays.

    Those ``beyond`` the cell window and those inside it are apart: one of each stays.
    """
    side = np.zeros(len(notes), bool) if beyond is None else beyond
    named = [notes[name] for name in ("owner", "kind", "name")]
    order = order_of(*named, side, *(notes[name] for name in ("at_ms", "sequence", "event_hash")))
    notes = pick(notes, order)
    keep = np.isin(notes["kind"], (NOTE_ANSWER, NOTE_COMPLETION))
    if len(notes):
        differs = [column[order][1:] != column[order][:-1] for column in (*named, side)]
        keep |= np.append(np.logical_or.reduce(differs), True)
    return pick(notes, keep)
