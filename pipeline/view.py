"""Everything that follows from the stored pieces of some customers at one watermark."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline import aggregate, amends, journeys, lookback, sessionize, trail, trail_state
from pipeline.features import cause_shift
from pipeline.model import Model
from pipeline.perceive import Evidence, Observations, caused, gather, interaction_score, observe, segment_prior
from pipeline.policy import Policy
from pipeline.records import FLAG_CANCELLED, LOOKED_BACK, copied, joined, pick, put
from pipeline.sessionize import Facts, Groups
from pipeline.state import Working
from pipeline.strings import Strings

Records = NDArray[Any]
Index = NDArray[np.int64]
NO_DECAY = float("inf")


class Context(NamedTuple):
    """What the rules depend on beside the data."""

    strings: Strings
    policy: Policy
    model: Model


@dataclass(frozen=True, slots=True)
class View:
    """Interactions, their evidence and their journeys, as known at ``watermark_ms``."""

    watermark_ms: int
    facts: Facts
    notes: Records
    """By fact: answers, completions, latest measures and attributes."""
    closed: NDArray[np.bool_]
    observations: Observations
    lasting: Observations
    """What reaches the customer's sums: the observations, the amends of recoveries (``pipeline.amends``), and what
    stays of what interactions caused."""
    evidence: Evidence
    """Undecayed, per fact, without amends."""
    anew: Evidence
    """The same without what was said of the journey at an earlier step already."""
    shift: NDArray[np.float64]
    """What causes add to the score of each fact alone, shape (n, 3)."""
    journeys: journeys.Journeys
    marks: Records
    """Failures and recoveries, with what they weigh."""
    trail: trail.Trail | None
    """Of a model whose predictor looks at journeys."""

    @property
    def rows(self) -> Records:
        """One PIECE per interaction."""
        return self.facts.rows


def view(working: Working, groups: Groups, watermark_ms: int, settled_before_ms: int, context: Context) -> View:
    """Derive the view of ``working`` whose pieces ``groups`` has ordered; assigns ``journey_start`` of its facts."""
    strings, policy, model = context
    facts = sessionize.facts_of(working.pieces, groups, policy)
    _look_back(working, facts, settled_before_ms, policy)
    notes = sessionize.notes_of(working.notes, groups, len(working.pieces), facts.beyond)
    closed = sessionize.closed(facts.rows, watermark_ms, strings, policy)
    past = working.journeys
    facts.rows["journey_start"] = journeys.assign(facts.rows, notes, past, settled_before_ms, strings, policy)
    along = _trail(working, facts, notes, watermark_ms, settled_before_ms, context)
    notes = notes if along is None else joined((trail.without(notes), along.notes))
    observations = observe(facts.rows, closed, notes, strings, model)
    evidence = anew = undecayed(observations, len(facts.rows))
    shift = cause_shift(facts.rows, closed, notes, strings, model)
    marks, given = _amends(working.marks, facts, watermark_ms, context)
    lasting = observations.joined(given).joined(caused(facts.rows, shift, model))
    if along is not None:
        again = trail.taken_back(facts.rows, notes, strings, model)
        anew, lasting = evidence + undecayed(again, len(facts.rows)), lasting.joined(again)
    collected = journeys.collect(facts.rows, notes, anew, past)
    return View(
        watermark_ms, facts, notes, closed, observations, lasting, evidence, anew, shift, collected, marks, along
    )


def _trail(
    working: Working, facts: Facts, notes: Records, watermark_ms: int, settled_before_ms: int, context: Context
) -> trail.Trail | None:
    """What each interaction has from earlier ones of its journey, if the model asks."""
    strings, policy, model = context
    if not trail.wanted(model):
        return None
    final_before_ms = settled_before_ms - (policy.cell_settling_ms - policy.settling_ms)
    return trail.follow(working, facts, trail.without(notes), watermark_ms, final_before_ms, strings, policy, model)


def _amends(marks: Records, facts: Facts, watermark_ms: int, context: Context) -> tuple[Records, Observations]:
    """The marks weighed, and the amends of those whose interaction is in the state."""
    strings, policy, model = context
    fact = amends.facts_of(marks, facts.rows) if len(marks) else np.zeros(0, np.int64)
    known = np.isin(marks["customer"], marks["customer"][fact >= 0])
    if not known.any():
        return marks, amends.none()
    fact = fact[known]
    held = np.unique(fact[fact >= 0])
    within = pick(facts.within, held)
    closed = sessionize.closed(within, watermark_ms, strings, policy)
    place = np.where(fact >= 0, np.searchsorted(held, fact), -1)
    chosen = amends.weighed(pick(marks, known), place, within, closed, policy.failure_retention_ms, strings, model)
    made = copied(marks)
    put(made, known, chosen)
    return made, amends.amends(chosen, fact, policy.failure_retention_ms, strings, model)


def _look_back(working: Working, facts: Facts, settled_before_ms: int, policy: Policy) -> None:
    """Assign the flags of ``facts`` that depend on the customers' other interactions."""
    remembered = lookback.first_flags(working.pieces, facts.groups.order, facts.groups.starts)
    final = settled_before_ms - (policy.look_back_settling_ms - policy.settling_ms)
    found = lookback.judge(facts.within, remembered, working.traces, final, policy)
    lookback.put(facts.rows, found)
    if facts.within is not facts.rows:
        lookback.put(facts.within, found)


def undecayed(observations: Observations, facts: int) -> Evidence:
    """Evidence of each of ``facts`` interactions, undecayed."""
    return gather(observations, observations.fact, facts, np.zeros(facts, np.int64), NO_DECAY)


@dataclass(frozen=True, slots=True)
class Inside:
    """Interactions as they were inside the cell window of their start: what is final after a while."""

    rows: Records
    closed: NDArray[np.bool_]
    observations: Observations
    evidence: Evidence
    shift: NDArray[np.float64]
    """What causes are expected to add to the score, points, shape (n, 3)."""


def inside_window(facts: Facts, notes: Records, chosen: Index, watermark_ms: int, context: Context) -> Inside:
    """The ``chosen`` interactions from evidence inside the cell window only."""
    strings, policy, model = context
    within = pick(facts.within, chosen)
    lookback.for_cells(within)
    place = np.full(len(facts.rows), -1, np.int32)
    place[chosen] = np.arange(len(chosen))
    kept = pick(notes, place[notes["owner"]] >= 0)
    kept["owner"] = place[kept["owner"]]
    kept = pick(kept, kept["at_ms"] <= within["start_ms"][kept["owner"]] + policy.cell_window_ms)
    closed = sessionize.closed(within, watermark_ms, strings, policy)
    observations = observe(within, closed, kept, strings, model)
    shift = cause_shift(within, closed, kept, strings, model)
    return Inside(within, closed, observations, undecayed(observations, len(within)), shift)


def went_on(now: View) -> NDArray[np.bool_]:
    """Interactions of which something came after their cell window: the others are inside it as they are."""
    later = (now.rows["flags"] & np.uint32(FLAG_CANCELLED)) != 0
    later[now.facts.groups.of[now.facts.beyond]] = True
    return np.asarray(later)


def contributions(
    facts: Facts, notes: Records, chosen: Index, watermark_ms: int, context: Context
) -> aggregate.Contributions:
    """What the ``chosen`` interactions give to cells."""
    inside = inside_window(facts, notes, chosen, watermark_ms, context)
    every = np.arange(len(chosen))
    scores = _scores(inside.rows["segment"], inside.evidence, inside.shift, context)
    return aggregate.contributions(inside.rows, every, inside.evidence, scores, inside.observations)


def contributions_now(now: View, chosen: Index, context: Context) -> aggregate.Contributions:
    """What the ``chosen`` interactions of a view give to cells; only those that went on are perceived again."""
    if context.model.predictor is not None:
        return contributions(now.facts, now.notes, chosen, now.watermark_ms, context)
    evidence, shift = now.evidence.take(chosen), now.shift[chosen]
    place = np.full(len(now.rows), -1, np.int64)
    place[chosen] = np.arange(len(chosen))
    again = np.flatnonzero(went_on(now)[chosen])
    place[chosen[again]] = -1
    stated = now.observations.take(now.observations.stated & (place[now.observations.fact] >= 0))
    stated = replace(stated, fact=place[stated.fact])
    if len(again):
        patch = inside_window(now.facts, now.notes, chosen[again], now.watermark_ms, context)
        evidence, shift[again] = evidence.patched(again, patch.evidence), patch.shift
        stated = stated.joined(replace(patch.observations, fact=again[patch.observations.fact]))
    scores = _scores(now.facts.within["segment"][chosen], evidence, shift, context)
    return aggregate.contributions(now.facts.within, chosen, evidence, scores, stated)


def _scores(
    segment: NDArray[np.int32], evidence: Evidence, shift: NDArray[np.float64], context: Context
) -> NDArray[np.float64]:
    prior = segment_prior(segment, context.strings, context.model)
    return np.asarray(interaction_score(evidence, prior, context.model) + shift)


@dataclass(frozen=True, slots=True)
class Change:
    """How the interactions of some customers differ from before.

    ``changed`` is over the facts now, ``superseded`` over the interactions before.
    """

    changed: NDArray[np.bool_]
    superseded: NDArray[np.bool_]


def compare(pieces: Records, notes: Records, before: Groups, before_ms: int, now: View, context: Context) -> Change:
    """Which interactions changed: other pieces, closed or reopened, another journey, another look back, or amends.

    ``pieces``, ``notes`` and ``before`` are the stored ones; pieces keep their index, new ones come
    after. ``before_ms`` is the watermark before.
    """
    kept, old = _same_pieces(before, now.facts.groups, len(pieces))
    same = pieces["journey_start"][before.order[before.starts[old]]] == now.rows["journey_start"][kept]
    same &= lookback.first_flags(pieces, before.order, before.starts[old]) == now.rows["flags"][kept] & LOOKED_BACK
    for rows in (now.rows, now.facts.within)[: 1 if now.facts.within is now.rows else 2]:
        was = sessionize.closed(rows, before_ms, context.strings, context.policy)
        same &= (was == sessionize.closed(rows, now.watermark_ms, context.strings, context.policy))[kept]
    if now.trail is not None:
        same &= ~_other_trail(len(pieces), notes, before, kept, old, now)[kept]
    same &= ~_amended(now.rows, kept[same])[kept]
    changed, superseded = np.ones(len(now.rows), bool), np.ones(len(before.starts), bool)
    changed[kept[same]] = False
    superseded[old[same]] = False
    return Change(changed, superseded)


def _other_trail(stored: int, notes: Records, before: Groups, kept: Index, old: Index, now: View) -> NDArray[np.bool_]:
    """Facts that carry something else than the ``stored`` pieces do; ``kept`` are those that were ``old``."""
    assert now.trail is not None
    fact = np.full(len(before.starts), -1)
    fact[old] = kept
    owner = np.full(stored, -1)
    owner[before.order] = fact[before.of]
    was = copied(notes)
    was["owner"] = owner[notes["owner"]]
    return trail_state.changed(pick(was, was["owner"] >= 0), now.trail.notes, len(now.rows))


def _amended(rows: Records, same: Index) -> NDArray[np.bool_]:
    """Facts with failures or recoveries of customers for whom one of them is not the ``same``: they hang together."""
    marking = amends.marking(rows)
    other = marking.copy()
    other[same] = False
    return np.asarray(marking & np.isin(rows["customer"], rows["customer"][other])) if other.any() else other


def _same_pieces(before: Groups, now: Groups, stored: int) -> tuple[Index, Index]:
    """Interactions that consist of the same pieces, as indices now and before."""
    if not len(now.starts):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    origin = np.full(max(stored, int(now.order.max()) + 1), -1, np.int64)
    origin[before.order] = before.of
    of_piece = origin[now.order]
    low, high = np.minimum.reduceat(of_piece, now.starts), np.maximum.reduceat(of_piece, now.starts)
    sizes = np.append(before.sizes, 0)
    kept = np.flatnonzero((low == high) & (low >= 0) & (now.sizes == sizes[high]))
    return kept, high[kept]


def journey_ids(rows: Records) -> Records:
    """Identity of the journey of each fact: (customer, explicit id, goal, start), as records."""
    ids = np.zeros(len(rows), [("customer", "i4"), ("journey", "i4"), ("goal", "i4"), ("start_ms", "i8")])
    implicit = rows["journey"] == 0
    ids["customer"], ids["journey"] = rows["customer"], rows["journey"]
    ids["goal"] = np.where(implicit, rows["goal"], 0)
    ids["start_ms"] = np.where(implicit, rows["journey_start"], 0)
    return ids
