"""The trail of a journey: its interactions in order, each with the features that the ones before it brought.

A feature of a journey is its value in the last interaction that knows it, in order of (start, sequence, event hash);
``fit`` and ``evaluate`` read journeys by the same rule (``jobs.journal``). An answer in a journey of its own is about
what the customer did last. What is looked at of an earlier interaction is what it was inside its cell window: that is
final after a while, so the features are a function of the set of events, and may be remembered.

The predictor says one thing per journey: an interaction takes back what was said at the step before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import carried, lookback, sessionize
from pipeline.carried import ASKED, Carried, known
from pipeline.features import acted, own_columns
from pipeline.model import Model
from pipeline.ordering import begins, order_of
from pipeline.perceive import Observations, predicted_points, segment_prior
from pipeline.policy import Policy
from pipeline.predictor import CAUSE, Flags, Predictor
from pipeline.records import CARRIED, NOTE_CARRIED, UNSETTLED, copied, joined, pick
from pipeline.sessionize import Facts
from pipeline.state import Working
from pipeline.strings import Strings

Records = NDArray[Any]
Index = NDArray[np.int64]


def wanted(model: Model) -> bool:
    """Whether the model looks at journeys, and not at single interactions only."""
    return model.predictor is not None and model.predictor.journey_wide


@dataclass(frozen=True, slots=True)
class Trail:
    """Steps: interactions, then what is left of journeys whose interactions left the state."""

    steps: Records
    """dtype PIECE: identity of the journey, and place in it."""
    after: Carried
    """What is known after each step."""
    notes: Records
    """Of the interactions: what was known before each, as notes."""


def follow(
    working: Working,
    facts: Facts,
    notes: Records,
    watermark_ms: int,
    final_before_ms: int,
    strings: Strings,
    policy: Policy,
    model: Model,
) -> Trail:
    """The trail of all journeys of ``working``; ``facts`` know their journeys, ``notes`` are theirs.

    Interactions that started before ``final_before_ms`` keep what they remember.
    """
    predictor, count = model.predictor, len(facts.rows)
    assert predictor is not None
    held = np.flatnonzero(working.pieces["grouping"] == CARRIED)
    steps = joined((facts.rows, pick(working.pieces, held)))
    remembered = _remembered(working, facts, held, predictor, strings)
    own = _own(facts, notes, watermark_ms, len(held), strings, policy, model)
    final = np.append(steps["start_ms"][:count] < final_before_ms, np.ones(len(held), np.bool_))
    _complete(own, remembered, final)
    order, new = in_order(steps, policy)
    after, before = _along(own, order, new, final)
    _foreign(before, after, own, facts, steps, policy)
    before.put(final, remembered)
    return Trail(steps, after, carried.write(before, np.arange(count), strings))


def _remembered(working: Working, facts: Facts, held: Index, predictor: Predictor, strings: Strings) -> Carried:
    """What the stored pieces say: each interaction's first one, and those at ``held``."""
    count = len(facts.rows)
    step = np.full(len(working.pieces), -1)
    step[facts.groups.order[facts.groups.starts]] = np.arange(count)
    step[held] = count + np.arange(len(held))
    return carried.read(working.notes, step[working.notes["owner"]], count + len(held), predictor, strings)


def _own(
    facts: Facts, notes: Records, watermark_ms: int, held: int, strings: Strings, policy: Policy, model: Model
) -> Carried:
    """What each interaction itself brought inside its cell window, and behind them nothing of ``held`` more."""
    assert model.predictor is not None
    within = copied(facts.within)
    lookback.for_cells(within)
    closed = sessionize.closed(within, watermark_ms, strings, policy)
    notes = pick(notes, notes["at_ms"] <= within["start_ms"][notes["owner"]] + policy.cell_window_ms)
    count, happened = len(within), acted(within)
    found = Carried.nothing(count + held, model.predictor)
    columns = own_columns(within, closed, notes, strings, model.predictor, model.effects)
    for source, values in found.values.items():
        values[:count] = carried.plain(columns[source])
        found.since_ms[source][:count] = within["start_ms"]
    found.end_ms[:count] = np.where(happened, within["end_ms"], np.nan)
    found.start_ms[:count], found.segment[:count] = within["start_ms"], within["segment"]
    found.bits[:count] = np.where(closed, within["types"], within["types"] & ASKED)
    return found


def _complete(own: Carried, remembered: Carried, final: Flags) -> None:
    """Add to the ``final`` steps what they remember of those before them, in place."""
    final = final & ~remembered.foreign
    for source, values in own.values.items():
        rows = final & ~known(values)
        values[rows], own.since_ms[source][rows] = remembered.values[source][rows], remembered.since_ms[source][rows]
    rows = final & ~own.happened
    for name in ("end_ms", "start_ms", "segment"):
        getattr(own, name)[rows] = getattr(remembered, name)[rows]
    own.bits[final] |= remembered.bits[final]


def journey_of(steps: Records) -> tuple[NDArray[Any], ...]:
    """What tells the journeys of steps apart."""
    implicit = steps["journey"] == 0
    goal, since = np.where(implicit, steps["goal"], 0), np.where(implicit, steps["journey_start"], UNSETTLED)
    return steps["customer"], steps["journey"], goal, since


def in_order(steps: Records, policy: Policy) -> tuple[Index, Flags]:
    """Steps in order of (journey, time), and where a journey begins, or goes on after it was forgotten."""
    journey = journey_of(steps)
    low, *rest = journey[::-1]  # times far apart from UNSETTLED do not pack: rank them first
    _, since = np.unique(low, return_inverse=True)
    columns = (*reversed(rest), since)
    order = order_of(*columns, *(steps[name] for name in ("start_ms", "sequence", "event_hash")))
    new = begins(*(column[order] for column in columns))
    start = steps["start_ms"][order]
    new[1:] |= start[1:] - start[:-1] > policy.explicit_retention_ms
    return order, new


def _along(own: Carried, order: Index, new: Flags, whole: Flags) -> tuple[Carried, Carried]:
    """What is known after and before each step; the ``whole`` ones say all that came before them, too."""
    place, count = np.arange(len(order)), len(order)
    since = np.maximum.accumulate(np.where(new | whole[order], place, 0)) if count else place
    earlier = np.where(new, -1, place - 1)
    after, before = (Carried(*(_like(getattr(own, name)) for name in _FIELDS)) for _ in range(2))

    def last(told: Flags) -> tuple[Index, Index]:
        """The step that told last, up to and before each one; -1 = none."""
        found = np.maximum.accumulate(np.where(told[order], place, -1)) if count else place
        found = np.where(found >= since, found, -1)
        up_to = np.where(found >= 0, order[found], -1)
        return up_to, np.where(earlier >= 0, up_to[earlier], -1)

    def put(targets: tuple[Any, Any], values: NDArray[Any], steps: tuple[Index, Index]) -> None:
        for target, step in zip(targets, steps, strict=True):
            target[order[step >= 0]] = values[step[step >= 0]]

    happened = last(own.happened)
    for name in ("end_ms", "start_ms", "segment"):
        put((getattr(after, name), getattr(before, name)), getattr(own, name), happened)
    for bit in range(32):
        flag = np.uint32(1 << bit)
        if np.any(own.bits & flag):
            for target, step in zip((after, before), last((own.bits & flag) != 0), strict=True):
                target.bits[order[step >= 0]] |= flag
    for source, values in own.values.items():
        steps = last(known(values))
        put((after.values[source], before.values[source]), values, steps)
        put((after.since_ms[source], before.since_ms[source]), own.since_ms[source], steps)
    return after, before


_FIELDS = ("end_ms", "start_ms", "segment", "bits", "foreign", "values", "since_ms")


def _like(values: Any) -> Any:
    """The same of nothing."""
    if isinstance(values, dict):
        return {source: _like(one) for source, one in values.items()}
    return np.full(len(values), np.nan) if values.dtype == np.float64 else np.zeros_like(values)


def _foreign(before: Carried, after: Carried, own: Carried, facts: Facts, steps: Records, policy: Policy) -> None:
    """Of interactions with answers only, in whose journey nothing happened: what the customer did last, in place."""
    count, held = len(facts.rows), np.arange(len(steps)) >= len(facts.rows)
    happened = np.append(acted(facts.within), np.zeros(len(steps) - count, np.bool_)) | (held & own.happened)
    asks = ~held & ~happened & ~before.happened
    if not asks.any():
        return
    time = np.where(held, own.start_ms, steps["start_ms"])
    order = order_of(steps["customer"], time, steps["sequence"], steps["event_hash"])
    place = np.arange(len(order))
    found = np.maximum.accumulate(np.where(happened[order], place, -1))
    rows = np.flatnonzero(asks[order] & (found >= 0))
    asking, last = order[rows], order[found[rows]]
    near = (steps["customer"][asking] == steps["customer"][last]) & (
        steps["start_ms"][asking] - after.end_ms[last] <= policy.journey_gap_ms
    )
    asking, last = asking[near], last[near]
    for name in ("end_ms", "start_ms", "segment", "bits"):
        getattr(before, name)[asking] = getattr(after, name)[last]
    for source, values in before.values.items():
        values[asking], before.since_ms[source][asking] = after.values[source][last], after.since_ms[source][last]
    before.foreign[asking] = True


def taken_back(facts: Records, notes: Records, strings: Strings, model: Model) -> Observations:
    """What the predictor said at the step before each of ``facts``, with the opposite sign: it is said anew.

    An interaction with answers only says it anew as well, since now it is known what is missing; not in its own score.
    """
    predictor, count = model.predictor, len(facts)
    assert predictor is not None
    owner = notes["owner"].astype(np.int64)
    step = carried.read(notes, owner, count, predictor, strings)
    rows = np.flatnonzero(step.happened & ~step.foreign & (predictor.role != CAUSE))
    prior = segment_prior(step.segment, strings, model)
    columns = step.columns(strings)
    asked = step.bits | facts["types"] & ASKED
    again = rows[~acted(facts)[rows] & (asked[rows] != step.bits[rows])]
    rows = np.union1d(rows[acted(facts)[rows]], again)
    parts = []
    for sign, chosen, bits in ((-1.0, rows, step.bits), (1.0, again, asked)):
        said = predictor.predict(columns, step.missing(predictor, bits))
        weight, value = predicted_points(said, prior, model)
        own = chosen[weight[chosen].any(axis=1)]
        parts.append(
            Observations(
                fact=own,
                at_ms=step.end_ms[own].astype(np.int64),
                weight=sign * weight[own],
                value=value[own],
                stated=np.zeros(len(own), np.bool_),
                signal=np.full(len(own), len(model.effects), np.int16),
            )
        )
    return parts[0].joined(parts[1])


def without(notes: Records) -> Records:
    """Notes but for what was carried."""
    return pick(notes, notes["kind"] != NOTE_CARRIED)
