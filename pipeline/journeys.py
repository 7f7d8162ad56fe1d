"""Journeys: interactions of one customer and goal with gaps below days to weeks, or of one explicit journey id.

Implicit journeys are chains of interaction *starts*: a start more than the goal's gap after the one before, or
after a completion of the goal, begins a new journey. A journey's identity is its goal and first start, so it is a
function of the set of interactions. Starts older than the settling time are final: their journey is remembered
(``journey_start``), and the chain goes on from the last of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.ordering import begins, order_of, present, rank_of
from pipeline.policy import Policy
from pipeline.records import FLAG_COMPLETED, JOURNEY, NEVER, NOTE_ANSWER, NOTE_COMPLETION, UNSETTLED, pick, put
from pipeline.strings import Strings

Records = NDArray[Any]
Index = NDArray[np.int64]

STATES: Final = ("open", "silent", "completed")


def goal_gaps(goals: NDArray[np.int32], strings: Strings, policy: Policy) -> Index:
    """The gap in milliseconds of each goal code."""
    gaps = np.zeros(strings.size, np.int64)
    codes = present(goals)
    gaps[codes] = [policy.goal_gap_ms(strings.text(code)) for code in codes.tolist()]
    return gaps[goals]


def assign(
    facts: Records, notes: Records, past: Records, settled_before_ms: int, strings: Strings, policy: Policy
) -> Index:
    """Start of the implicit journey of each fact (UNSETTLED for facts of explicit journeys).

    ``notes["owner"]`` indexes ``facts``; ``past`` (dtype JOURNEY) is what is left of journeys whose facts are gone.
    Facts that started before ``settled_before_ms`` keep the journey they have.
    """
    rows = _points(facts, notes, past, settled_before_ms)
    order = order_of(*(rows[name] for name in ("customer", "goal", "at", "completion", "hash")))
    rows = {name: column[order] for name, column in rows.items()}
    start = _chain(rows, goal_gaps(rows["goal"], strings, policy))
    journeys = np.full(len(facts), UNSETTLED, np.int64)
    ours = rows["fact"] >= 0
    journeys[rows["fact"][ours]] = start[ours]
    return journeys


def _points(facts: Records, notes: Records, past: Records, settled_before_ms: int) -> dict[str, NDArray[Any]]:
    """Interaction starts and completions of implicit journeys, unordered; ``fixed`` is a known journey start."""
    implicit = np.flatnonzero(facts["journey"] == 0)
    known = (facts["start_ms"][implicit] < settled_before_ms) & (facts["journey_start"][implicit] != UNSETTLED)
    fixed = np.where(known, facts["journey_start"][implicit], UNSETTLED)
    done = pick(notes, notes["kind"] == NOTE_COMPLETION)
    done = pick(done, facts["journey"][done["owner"]] == 0)
    tail = pick(past, past["journey"] == 0)
    ended = pick(tail, tail["last_completion_ms"] != UNSETTLED)
    sizes = [len(implicit), len(tail), len(done), len(ended)]
    return {
        "customer": np.concatenate(
            (facts["customer"][implicit], tail["customer"], facts["customer"][done["owner"]], ended["customer"])
        ),
        "goal": np.concatenate((facts["goal"][implicit], tail["goal"], facts["goal"][done["owner"]], ended["goal"])),
        "at": np.concatenate(
            (facts["start_ms"][implicit], tail["last_start_ms"], done["at_ms"], ended["last_completion_ms"])
        ),
        "hash": np.concatenate(
            (
                facts["event_hash"][implicit],
                np.zeros(sizes[1], np.uint64),
                done["event_hash"],
                np.zeros(sizes[3], np.uint64),
            )
        ),
        "completion": np.repeat(np.array([False, False, True, True]), sizes),
        "fact": np.concatenate((implicit, np.full(sum(sizes[1:]), -1))),
        "fixed": np.concatenate((fixed, tail["start_ms"], np.full(sizes[2] + sizes[3], UNSETTLED))),
    }


def _chain(rows: dict[str, NDArray[Any]], gaps: Index) -> Index:
    """Journey start of each row, in the order of (customer, goal, time)."""
    count = len(gaps)
    place = np.arange(count)
    fresh = np.ones(count, bool)
    fresh[1:] = (rows["customer"][1:] != rows["customer"][:-1]) | (rows["goal"][1:] != rows["goal"][:-1])
    point = ~rows["completion"]
    thread = np.maximum.accumulate(np.where(fresh, place, 0))
    before = np.append(-1, np.maximum.accumulate(np.where(point, place, -1))[:-1]) if count else place
    first = before < thread
    previous = np.maximum(before, 0)
    completed = np.append(False, rows["completion"][:-1]) & ~fresh if count else fresh
    begins = first | completed | (rows["at"] - rows["at"][previous] > gaps)
    fixed = rows["fixed"] != UNSETTLED
    anchor = np.maximum.accumulate(np.where(point & (begins | fixed), place, 0))
    return np.where(fixed, rows["fixed"], rows["at"])[anchor]


@dataclass(frozen=True, slots=True)
class Journeys:
    """Journeys as known now: ``rows`` (dtype JOURNEY), and where facts and the past are in them."""

    rows: Records
    of: Index
    """Index into ``rows`` per fact."""
    of_past: Index
    """Index into ``rows`` per journey of the past."""


def collect(facts: Records, notes: Records, evidence: Any, past: Records) -> Journeys:
    """Journeys of ``facts`` (whose ``journey_start`` is assigned) together with ``past``, by commutative rules.

    ``evidence`` has ``weight``, ``sum`` and ``stated`` of shape (facts, 3), undecayed.
    """
    implicit = facts["journey"] == 0
    customer = np.concatenate((past["customer"], facts["customer"]))
    journey = np.concatenate((past["journey"], facts["journey"]))
    goal = np.concatenate((past["goal"], np.where(implicit, facts["goal"], 0)))
    since = np.concatenate((past["start_ms"], facts["journey_start"]))
    explicit = journey != 0
    since[explicit] = since[~explicit].min(initial=NEVER)  # the same for all, and close to the others: a short key
    rank, first = rank_of(customer, np.where(explicit, ~journey, goal), since)
    found = Journeys(_nothing(len(first)), rank[len(past) :], rank[: len(past)])
    put(found.rows, found.of_past, past)
    for name, column in (("customer", customer), ("journey", journey), ("goal", goal)):
        found.rows[name] = column[first]
    if len(facts):
        start = np.where(implicit, facts["journey_start"], facts["start_ms"])
        _widen(found.rows, found.of, start, facts)
        _add(found.rows, found.of, facts, evidence)
        _last(found.rows, found.of, facts, "resolved", np.flatnonzero(facts["resolved"] >= 0), facts["end_ms"])
        _last(found.rows, found.of, facts, "segment", np.flatnonzero(facts["segment"]), facts["start_ms"])
    answered = notes["owner"][notes["kind"] == NOTE_ANSWER]
    found.rows["answers"] += np.bincount(found.of[answered], minlength=len(first))
    done = np.flatnonzero(notes["kind"] == NOTE_COMPLETION)
    np.maximum.at(found.rows["last_completion_ms"], found.of[notes["owner"][done]], notes["at_ms"][done])
    return found


def _nothing(count: int) -> Records:
    """Journeys of no interactions: whatever joins them decides."""
    rows = np.zeros(count, JOURNEY)
    rows["start_ms"] = NEVER
    for name in ("end_ms", "last_start_ms", "last_completion_ms", "resolved_ms", "segment_ms"):
        rows[name] = UNSETTLED
    rows["resolved"] = -1
    return rows


def _widen(rows: Records, of: Index, start: Index, facts: Records) -> None:
    order = np.argsort(of)
    cuts = np.flatnonzero(begins(of[order]))
    own = of[order[cuts]]
    rows["start_ms"][own] = np.minimum(rows["start_ms"][own], np.minimum.reduceat(start[order], cuts))
    for name, source in (("end_ms", "end_ms"), ("last_start_ms", "start_ms")):
        rows[name][own] = np.maximum(rows[name][own], np.maximum.reduceat(facts[source][order], cuts))


def _add(rows: Records, of: Index, facts: Records, evidence: Any) -> None:
    count = len(rows)
    rows["interactions"] += np.bincount(of, minlength=count)
    rows["events"] += np.bincount(of, facts["events"], count).astype(np.int64)
    rows["completed"][of[(facts["flags"] & FLAG_COMPLETED) != 0]] = 1
    moved = np.flatnonzero(facts["transfers"] > 0)
    rows["transfers"] += np.bincount(of[moved], facts["transfers"][moved], count).astype(np.int64)
    for name in ("wait_s", "duration_s"):
        given = np.flatnonzero(~np.isnan(facts[name]))
        rows[name] += np.bincount(of[given], facts[name][given], count)
    known = np.flatnonzero(evidence.weight.any(axis=1))
    for name in ("weight", "sum", "stated"):
        values = getattr(evidence, name)[known]
        for place, column in enumerate(values.T):
            rows[name][:, place] += np.bincount(of[known], column, count)


def _last(rows: Records, of: Index, facts: Records, name: str, given: Index, time: Index) -> None:
    """Of each journey the value of the ``given`` facts with the greatest (time, tie), or that it has."""
    own, times, ties = of[given], time[given], facts["event_hash"][given]
    order = order_of(own, times, ties)
    last = order[np.append(begins(own[order])[1:], True)] if len(order) else order
    own, times, ties = own[last], times[last], ties[last]
    was, was_tie = rows[f"{name}_ms"][own], rows[f"{name}_tie"][own]
    newer = (times > was) | ((times == was) & (ties >= was_tie))
    for column, values in ((name, facts[name][given[last]]), (f"{name}_ms", times), (f"{name}_tie", ties)):
        rows[column][own[newer]] = values[newer]


def states(rows: Records, watermark_ms: int, strings: Strings, policy: Policy) -> NDArray[np.uint8]:
    """Codes of STATES: ``completed``, ``silent`` (no interaction for longer than the gap) or ``open``."""
    gaps = goal_gaps(rows["goal"], strings, policy)
    codes = (watermark_ms > rows["end_ms"] + gaps).astype(np.uint8)
    codes[rows["completed"] != 0] = STATES.index("completed")
    return codes
