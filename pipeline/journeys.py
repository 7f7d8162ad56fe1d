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

from pipeline.ordering import begins, order_of, present
from pipeline.policy import Policy
from pipeline.records import FLAG_COMPLETED, JOURNEY, NOTE_ANSWER, NOTE_COMPLETION, UNSETTLED, joined, pick
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
    """Journeys as known now: ``rows`` (dtype JOURNEY) and, per fact, the index of its journey in ``rows``."""

    rows: Records
    of: Index


def collect(facts: Records, notes: Records, evidence: Any, past: Records) -> Journeys:
    """Journeys of ``facts`` (whose ``journey_start`` is assigned) together with ``past``.

    ``evidence`` has ``weight``, ``sum`` and ``stated`` of shape (facts, 3), undecayed.
    """
    rows = joined((past, _alone(facts, notes, evidence)))
    start = np.where(rows["journey"] != 0, 0, rows["start_ms"])
    start[len(past) :] = np.where(facts["journey"] != 0, 0, facts["journey_start"])
    identity = (rows["customer"], rows["journey"], rows["goal"], start)
    order = order_of(*identity)
    cut = begins(*(column[order] for column in identity))
    group = np.empty(len(order), np.int64)
    group[order] = np.cumsum(cut) - 1
    return Journeys(_merge(pick(rows, order), np.flatnonzero(cut)), group[len(past) :])


def _alone(facts: Records, notes: Records, evidence: Any) -> Records:
    """Each fact as a journey of one interaction."""
    rows = np.zeros(len(facts), JOURNEY)
    for name in ("customer", "journey", "end_ms", "events", "resolved", "segment"):
        rows[name] = facts[name]
    implicit = facts["journey"] == 0
    rows["goal"] = np.where(implicit, facts["goal"], 0)
    rows["start_ms"] = np.where(implicit, facts["journey_start"], facts["start_ms"])
    rows["last_start_ms"] = facts["start_ms"]
    rows["last_completion_ms"] = UNSETTLED
    done = pick(notes, notes["kind"] == NOTE_COMPLETION)
    np.maximum.at(rows["last_completion_ms"], done["owner"], done["at_ms"])
    rows["interactions"] = 1
    rows["answers"] = np.bincount(notes["owner"][notes["kind"] == NOTE_ANSWER], minlength=len(facts))
    rows["completed"] = (facts["flags"] & FLAG_COMPLETED) != 0
    rows["resolved_ms"] = np.where(facts["resolved"] >= 0, facts["end_ms"], UNSETTLED)
    rows["segment_ms"] = np.where(facts["segment"] != 0, facts["start_ms"], UNSETTLED)
    rows["resolved_tie"] = rows["segment_tie"] = facts["event_hash"]
    rows["transfers"] = np.maximum(facts["transfers"], 0)
    for name in ("wait_s", "duration_s"):
        rows[name] = np.nan_to_num(facts[name])
    rows["weight"], rows["sum"], rows["stated"] = evidence.weight, evidence.sum, evidence.stated
    return rows


def _merge(ordered: Records, starts: Index) -> Records:
    """Merge runs of JOURNEY rows by commutative rules: sum, min, max, latest."""
    merged = pick(ordered, starts)
    if len(starts) == len(ordered):
        return merged
    merged["start_ms"] = np.minimum.reduceat(ordered["start_ms"], starts)
    for name in ("end_ms", "last_start_ms", "last_completion_ms", "completed"):
        merged[name] = np.maximum.reduceat(ordered[name], starts)
    for name in ("interactions", "events", "answers", "transfers", "wait_s", "duration_s", "weight", "sum", "stated"):
        merged[name] = np.add.reduceat(ordered[name], starts, axis=0)
    for name in ("resolved", "segment"):
        _latest(merged, ordered, starts, name)
    return merged


def _latest(merged: Records, ordered: Records, starts: Index, name: str) -> None:
    """Of each run the value with the greatest (time, tie)."""
    time, tie = ordered[f"{name}_ms"], ordered[f"{name}_tie"]
    run = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(ordered))))
    newest = time == np.maximum.reduceat(time, starts)[run]
    rank = np.where(newest, tie, 0)
    chosen = newest & (rank == np.maximum.reduceat(rank, starts)[run])
    at = np.maximum.reduceat(np.where(chosen, np.arange(len(ordered)), -1), starts)
    for column in (name, f"{name}_ms", f"{name}_tie"):
        merged[column] = ordered[column][at]


def states(rows: Records, watermark_ms: int, strings: Strings, policy: Policy) -> NDArray[np.uint8]:
    """Codes of STATES: ``completed``, ``silent`` (no interaction for longer than the gap) or ``open``."""
    gaps = goal_gaps(rows["goal"], strings, policy)
    codes = (watermark_ms > rows["end_ms"] + gaps).astype(np.uint8)
    codes[rows["completed"] != 0] = STATES.index("completed")
    return codes
