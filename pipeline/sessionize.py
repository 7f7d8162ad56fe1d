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
from pipeline.reduction import reduce
from pipeline.strings import Strings

Records = NDArray[Any]
Index = NDArray[np.int64]

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
    two_way = np.flatnonzero(pieces["grouping"] < ONE_WAY)
    threads = _threads(pieces, two_way)
    ties = pieces["sequence"][two_way], pieces["event_hash"][two_way]
    order = order_of(threads.customer, threads.high, threads.low, threads.start_ms, *ties)
    return _cut(two_way[order], threads.take(order), strings, policy)


def regroup(pieces: Records, strings: Strings, policy: Policy) -> Groups:
    """The interactions of pieces that :func:`group` has ordered before (as stored): no sort."""
    ordered = np.flatnonzero(pieces["grouping"] < ONE_WAY)
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
    order, of = groups.order, groups.of
    start = pieces["start_ms"][order]
    begun = start[groups.starts][of]
    beyond = start > begun + policy.cell_window_ms
    rows = reduce(pieces, order, groups.starts, begun, policy)
    if not np.any(beyond):
        return Facts(groups, rows, rows, begun, beyond)
    parted = np.zeros(len(rows), bool)
    parted[of[beyond]] = True
    kept = parted[of] & ~beyond
    starts = np.flatnonzero(begins(of[kept]))
    within = copied(rows)
    put(within, parted, reduce(pieces, order[kept], starts, begun[kept], policy))
    return Facts(groups, rows, within, begun, beyond)


def closed(facts: Records, watermark_ms: int, strings: Strings, policy: Policy) -> NDArray[np.bool_]:
    """Interactions that have been silent for longer than their channel's gap."""
    return watermark_ms > facts["end_ms"] + channel_gaps(facts["channel"], strings, policy)


def seal(
    pieces: Records, notes: Records, facts: Facts, one_way: Index, before_ms: int, confirmed: int, policy: Policy
) -> tuple[Records, Records]:
    """What to store: pieces that can no longer change become one per interaction and side of the cell window.

    Only pieces that ended before ``before_ms`` and lie at or below the log offset ``confirmed`` are sealed.
    Returns the pieces of ``facts``, then those at ``one_way``, and the notes of both.
    """
    order, of = facts.groups.order, facts.groups.of
    final = (pieces["end_ms"][order] < before_ms) & (pieces["offset"][order] <= confirmed)
    merges = np.zeros(len(order), bool)
    merges[1:] = (of[1:] == of[:-1]) & final[1:] & final[:-1] & (facts.beyond[1:] == facts.beyond[:-1])
    starts = np.flatnonzero(~merges)
    stored = reduce(pieces, order, starts, facts.begun_ms, policy)
    stored["journey_start"] = facts.rows["journey_start"][of[starts]]
    stored["flags"] = stored["flags"] & ~LOOKED_BACK | facts.rows["flags"][of[starts]] & LOOKED_BACK
    place = np.full(len(pieces), -1, np.int32)
    place[order] = np.cumsum(~merges) - 1
    place[one_way] = len(stored) + np.arange(len(one_way))
    owner = place[notes["owner"]]
    moved = pick(notes, owner >= 0)
    moved["owner"] = owner[owner >= 0]
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
