"""Everything that follows from the stored pieces of some customers at one watermark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline import aggregate, amends, journeys, lookback, sessionize
from pipeline.features import cause_shift
from pipeline.model import Model
from pipeline.perceive import Evidence, Observations, caused, gather, interaction_score, observe, segment_prior
from pipeline.policy import Policy
from pipeline.records import LOOKED_BACK, copied, pick, put
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
    shift: NDArray[np.float64]
    """What causes add to the score of each fact alone, shape (n, 3)."""
    journeys: journeys.Journeys
    marks: Records
    """Failures and recoveries, with what they weigh."""

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
    observations = observe(facts.rows, closed, notes, strings, model)
    evidence = undecayed(observations, len(facts.rows))
    shift = cause_shift(facts.rows, closed, notes, strings, model)
    collected = journeys.collect(facts.rows, notes, evidence, past)
    marks, given = _amends(working.marks, facts, watermark_ms, context)
    lasting = observations.joined(given).joined(caused(facts.rows, shift, model))
    return View(watermark_ms, facts, notes, closed, observations, lasting, evidence, shift, collected, marks)


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


def contributions(
    facts: Facts, notes: Records, chosen: Index, watermark_ms: int, context: Context
) -> aggregate.Contributions:
    """What the ``chosen`` interactions give to cells."""
    inside = inside_window(facts, notes, chosen, watermark_ms, context)
    prior = segment_prior(inside.rows["segment"], context.strings, context.model)
    scores = interaction_score(inside.evidence, prior, context.model) + inside.shift
    return aggregate.contributions(inside.rows, inside.evidence, scores, inside.observations)


@dataclass(frozen=True, slots=True)
class Change:
    """How the interactions of some customers differ from before.

    ``changed`` is over the facts now, ``superseded`` over the interactions before.
    """

    changed: NDArray[np.bool_]
    superseded: NDArray[np.bool_]


def compare(pieces: Records, before: Groups, before_ms: int, now: View, context: Context) -> Change:
    """Which interactions changed: other pieces, closed or reopened, another journey, another look back, or amends.

    ``pieces`` and ``before`` are the stored ones; pieces keep their index from before to now, new ones come after.
    ``before_ms`` is the watermark before.
    """
    kept, old = _same_pieces(before, now.facts.groups, len(pieces))
    same = pieces["journey_start"][before.order[before.starts[old]]] == now.rows["journey_start"][kept]
    same &= lookback.first_flags(pieces, before.order, before.starts[old]) == now.rows["flags"][kept] & LOOKED_BACK
    for rows in (now.rows, now.facts.within)[: 1 if now.facts.within is now.rows else 2]:
        was = sessionize.closed(rows, before_ms, context.strings, context.policy)
        same &= (was == sessionize.closed(rows, now.watermark_ms, context.strings, context.policy))[kept]
    same &= ~_amended(now.rows, kept[same])[kept]
    changed, superseded = np.ones(len(now.rows), bool), np.ones(len(before.starts), bool)
    changed[kept[same]] = False
    superseded[old[same]] = False
    return Change(changed, superseded)


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
