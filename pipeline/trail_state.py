"""What stays of journeys in the state: what each interaction carries, and the last step of those that left it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import carried
from pipeline.journeys import goal_gaps
from pipeline.ordering import begins
from pipeline.policy import DAY_MS, Policy
from pipeline.predictor import Flags
from pipeline.records import CARRIED, NOTE_CARRIED, PIECE, among, copied, joined, pick
from pipeline.sessionize import Facts
from pipeline.state import Working
from pipeline.strings import Strings
from pipeline.trail import Trail, in_order, journey_of, without

Records = NDArray[Any]
Index = NDArray[np.int64]


def stored(working: Working, facts: Facts, trail: Trail, gone: Flags, watermark_ms: int, context: Any) -> Working:
    """``working`` with notes of what its interactions carry, and with what is left of the journeys of those ``gone``.

    The pieces keep their place; pieces of no events follow them.
    """
    strings, policy, _ = context
    first = facts.groups.order[facts.groups.starts]
    notes = copied(trail.notes)
    notes["owner"] = first[notes["owner"]]
    left, known_after = _left(trail, gone, watermark_ms, strings, policy)
    rest = carried.write(trail.after, known_after, strings)
    place = np.full(len(trail.steps), -1)
    place[known_after] = len(working.pieces) + np.arange(len(known_after))
    rest["owner"] = place[rest["owner"]]
    return working.with_parts(
        pieces=joined((working.pieces, left)), notes=joined((without(working.notes), notes, rest))
    )


def _left(trail: Trail, gone: Flags, watermark_ms: int, strings: Strings, policy: Policy) -> tuple[Records, Index]:
    """Of each journey the last step of those that are not in the state, as a piece, and which step that is."""
    steps, count = trail.steps, len(gone)
    out = np.append(gone, np.ones(len(steps) - count, np.bool_))
    order, _ = in_order(steps, policy)
    order = order[out[order]]
    last = order[np.append(begins(*(column[order] for column in journey_of(steps)))[1:], True)] if len(order) else order
    chosen = last[expiry(pick(steps, last), policy, strings) >= watermark_ms]
    made = np.zeros(len(chosen), PIECE)
    for name in ("customer", "start_ms", "end_ms", "sequence", "event_hash", "journey", "goal", "journey_start"):
        made[name] = steps[name][chosen]
    made["grouping"], made["status"], made["severity"] = CARRIED, -1, -1
    return made, chosen


def expiry(steps: Records, policy: Policy, strings: Strings) -> Index:
    """Watermark after which no interaction looks back at what is left of a journey."""
    gaps = np.maximum(goal_gaps(steps["goal"], strings, policy), policy.journey_gap_ms)
    silence = np.where(steps["journey"] != 0, policy.explicit_retention_ms, gaps)
    end = np.maximum(steps["start_ms"], steps["end_ms"])
    return np.asarray(end + silence + policy.look_back_settling_ms + DAY_MS)


def changed(before: Records, now: Records, count: int) -> Flags:
    """Interactions of ``count`` whose carried notes differ; ``owner`` is the interaction in both."""
    found = np.zeros(count, np.bool_)
    both = [pick(notes, notes["kind"] == NOTE_CARRIED) for notes in (before, now)]
    for one, other in (both, both[::-1]):
        found[one["owner"][~among(one, other)]] = True
    return found
