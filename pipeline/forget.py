"""What leaves the state: interactions that can no longer change are folded into sums, old marks are dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline import amends, customers, journeys, lookback, sessionize, trail_state
from pipeline.policy import DAY_MS, Policy
from pipeline.records import CARRIED, EXPLICIT, MARK_FAILURE, ONE_WAY, copied, joined, pick
from pipeline.recover import match
from pipeline.sessionize import Facts, Groups
from pipeline.state import Working
from pipeline.view import Context, View

Records = NDArray[Any]
Index = NDArray[np.int64]


def leaving(now: View, changed: NDArray[np.bool_], policy: Policy) -> NDArray[np.bool_]:
    """Interactions that are final: closed, unchanged by this flush (their row is confirmed) and out of reach."""
    explicit = now.rows["grouping"] == EXPLICIT
    kept_ms = np.where(explicit, policy.explicit_retention_ms, policy.fact_retention_ms)
    kept_ms = kept_ms + lookback.held_longer_ms(now.rows, policy)
    return now.closed & ~changed & (now.rows["end_ms"] + kept_ms < now.watermark_ms)


@dataclass(frozen=True, slots=True)
class Kept:
    """A working set without what left, and the interactions that are still in it."""

    working: Working
    facts: Facts
    held: NDArray[np.bool_]
    """Which of the working set's journeys have interactions in it."""


class Confirmed(NamedTuple):
    """Up to where rows are known to be written: what this flush changes must stay in the state for a takeover."""

    offset: int
    watermark_ms: int


def forget(working: Working, now: View, gone: NDArray[np.bool_], confirmed: Confirmed, context: Context) -> Kept:
    """Fold the interactions ``gone`` and old one-way pieces into ``header`` and ``journeys``, and seal the rest."""
    header = copied(working.header)
    _absorb(header, now, gone, context)
    old_one_way = _old_one_way(working.pieces, now.watermark_ms, confirmed.offset, context.policy)
    customers.absorb_expectation(header, pick(working.pieces, old_one_way), context.model)
    stay = ~gone[now.facts.groups.of]
    facts = _without(now.facts, gone, stay)
    others = (working.pieces["grouping"] == ONE_WAY) & ~old_one_way
    if now.trail is not None:
        before = len(working.pieces)
        working = trail_state.stored(working, now.facts, now.trail, gone, now.watermark_ms, context)
        others = np.append(others, np.ones(len(working.pieces) - before, np.bool_))
    one_way = np.flatnonzero(others)
    before_ms = now.watermark_ms - context.policy.lateness_ms
    pieces, notes = sessionize.seal(
        working.pieces, working.notes, facts, one_way, before_ms, confirmed.offset, context.policy
    )
    past, held = _past(working, now, gone, confirmed, context)
    referred = _referred(now.marks, facts.rows, len(header), context.policy)
    kept_marks = pick(now.marks, _followed(now.marks, referred, confirmed, context.policy))
    traces = _traces(working.traces, now, gone, context.policy)
    kept = working.with_parts(header=header, pieces=pieces, notes=notes, journeys=past, marks=kept_marks, traces=traces)
    return Kept(kept, facts, held)


def _absorb(header: Records, now: View, gone: NDArray[np.bool_], context: Context) -> None:
    if not np.any(gone):
        return
    observations = now.lasting.take(gone[now.lasting.fact])
    customers.absorb(header, observations, now.rows["customer"][observations.fact], context.model)
    facts = pick(now.rows, gone)
    place = np.cumsum(gone) - 1
    notes = pick(now.notes, gone[now.notes["owner"]])
    notes["owner"] = place[notes["owner"]]
    customers.absorb_counts(header, facts, notes)


def _old_one_way(pieces: Records, watermark_ms: int, confirmed: int, policy: Policy) -> NDArray[np.bool_]:
    old = pieces["start_ms"] < watermark_ms - policy.lateness_ms
    return np.asarray((pieces["grouping"] == ONE_WAY) & old & (pieces["offset"] <= confirmed))


def _without(facts: Facts, gone: NDArray[np.bool_], stay: NDArray[np.bool_]) -> Facts:
    """The interactions that stay; ``order`` still indexes the same pieces."""
    if not gone.any():
        return facts
    order, of = facts.groups.order[stay], facts.groups.of[stay]
    starts = np.flatnonzero(np.append(True, of[1:] != of[:-1])) if len(of) else np.zeros(0, np.int64)
    place = np.cumsum(~gone) - 1
    groups = Groups(order, starts, place[of])
    return Facts(groups, pick(facts.rows, ~gone), pick(facts.within, ~gone), facts.begun_ms[stay], facts.beyond[stay])


def _traces(traces: Records, now: View, gone: NDArray[np.bool_], policy: Policy) -> Records:
    """What may still be looked back at of interactions that are not in the state."""
    if np.any(gone):
        traces = joined((traces, lookback.traces_of(gone, now.facts.within)))
    return pick(traces, lookback.needed(traces, now.watermark_ms, policy)) if len(traces) else traces


def _past(
    working: Working, now: View, gone: NDArray[np.bool_], confirmed: Confirmed, context: Context
) -> tuple[Records, NDArray[np.bool_]]:
    """What is left of journeys, less those that nothing can join any more; and which have interactions in the state."""
    past, journey = working.journeys, now.journeys.of_past
    if np.any(gone):
        place = np.cumsum(gone) - 1
        notes = pick(now.notes, gone[now.notes["owner"]])
        notes["owner"] = place[notes["owner"]]
        left = journeys.collect(pick(now.rows, gone), notes, now.anew.take(gone), past)
        past, journey = left.rows, np.empty(len(left.rows), np.int64)
        journey[left.of_past], journey[left.of] = now.journeys.of_past, now.journeys.of[gone]
    live = np.zeros(len(now.journeys.rows), bool)
    live[now.journeys.of[~gone]] = True
    held = live[journey]
    kept = held | (journey_expiry(past, context) >= confirmed.watermark_ms)
    return pick(past, kept), held[kept]


def journey_expiry(past: Records, context: Context) -> Index:
    """Watermark after which nothing can join or silence a journey that has no interactions in the state."""
    policy = context.policy
    gaps = journeys.goal_gaps(past["goal"], context.strings, policy)
    implicit = np.maximum(past["last_start_ms"], past["end_ms"]) + gaps + policy.settling_ms + DAY_MS
    return np.where(past["journey"] != 0, past["end_ms"] + policy.explicit_retention_ms, implicit)


def _referred(marks: Records, rows: Records, count: int, policy: Policy) -> NDArray[np.bool_]:
    """Marks that an interaction in the state (``rows``) may refer to; ``count`` is that of the customers."""
    chosen = pick(rows, amends.marking(rows))
    oldest = customers.deadlines(count, [(chosen["customer"], chosen["start_ms"])])
    return np.asarray(marks["at_ms"] >= oldest[marks["customer"]] - policy.failure_retention_ms)


def _followed(marks: Records, referred: NDArray[np.bool_], confirmed: Confirmed, policy: Policy) -> NDArray[np.bool_]:
    """Marks to keep: an old failure goes together with the recovery that closed it, once their rows are written."""
    fresh = np.unique(marks["customer"][marks["offset"] > confirmed.offset])
    keep = (_mark_expiry(marks, policy) >= confirmed.watermark_ms) | np.isin(marks["customer"], fresh)
    keep |= referred
    if np.all(keep):
        return np.asarray(keep)
    pairs = match(marks, policy.failure_retention_ms)
    closed = pairs[pairs["recovery"] >= 0]
    free = np.ones(len(marks), bool)
    free[closed["recovery"]] = False
    keep |= ~free & (marks["kind"] != MARK_FAILURE)
    keep[closed["recovery"]] = keep[closed["mark"]]
    return np.asarray(keep)


def due_times(kept: Kept, watermark_ms: int, context: Context) -> Index:
    """When the watermark must wake each customer: to close, to end a journey, or to forget."""
    strings, policy, _ = context
    working, rows = kept.working, kept.facts.rows
    count = len(working.names)
    gaps = sessionize.channel_gaps(rows["channel"], strings, policy) + 1
    close = np.concatenate((rows["end_ms"] + gaps, kept.facts.within["end_ms"] + gaps))
    still = close > watermark_ms
    owner = np.tile(rows["customer"], 2)
    goals = np.where(rows["journey"] != 0, 0, rows["goal"])
    silent = rows["end_ms"] + journeys.goal_gaps(goals, strings, policy) + 1
    waiting = silent > watermark_ms
    past = working.journeys
    past_silent = past["end_ms"] + journeys.goal_gaps(past["goal"], strings, policy) + 1
    past_waiting = past_silent > watermark_ms
    free = ~kept.held
    explicit = rows["grouping"] == EXPLICIT
    forget_at = rows["end_ms"] + np.where(explicit, policy.explicit_retention_ms, policy.fact_retention_ms) + 1
    forget_at = forget_at + lookback.held_longer_ms(rows, policy)
    one_way = pick(working.pieces, working.pieces["grouping"] == ONE_WAY)
    left = pick(working.pieces, working.pieces["grouping"] == CARRIED)
    marks = pick(working.marks, ~_referred(working.marks, rows, count, policy))  # those wait for the interaction
    latest = [
        _latest(count, rows["customer"][~explicit], forget_at[~explicit]),
        _latest(count, rows["customer"][explicit], forget_at[explicit]),
        _latest(count, one_way["customer"], one_way["start_ms"] + policy.lateness_ms + DAY_MS),
        _latest(count, past["customer"][free], journey_expiry(past[free], context) + 1),
        (past["customer"][past_waiting], past_silent[past_waiting]),
        _latest(count, marks["customer"], _mark_expiry(marks, policy) + 1),
        _latest(count, left["customer"], trail_state.expiry(left, policy, strings) + 1),
        _latest(count, working.traces["customer"], lookback.expiry(working.traces, policy) + 1),
    ]
    return customers.deadlines(
        count, [(owner[still], close[still]), (rows["customer"][waiting], silent[waiting]), *latest]
    )


def _mark_expiry(marks: Records, policy: Policy) -> Index:
    return np.asarray(marks["at_ms"] + policy.failure_retention_ms + policy.lateness_ms)


def _latest(count: int, customer: NDArray[np.int32], time: Index) -> tuple[NDArray[np.int32], Index]:
    """The last of each customer's times: one wake-up for all of them."""
    last = np.full(count, -1, np.int64)
    np.maximum.at(last, customer, time)
    who = np.flatnonzero(last >= 0).astype(np.int32)
    return who, last[who]
