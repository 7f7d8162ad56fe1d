"""A fix did not hold: what was recovered failed again."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.amends import facts_of
from pipeline.detect.rules._base import Found, Rule, Seen
from pipeline.records import MARK_FAILURE, pick
from pipeline.recover import NOT_RECOVERED, match

HOUR_MS: Final = 3_600_000.0


def _find(seen: Seen) -> Found:
    marks = _several(seen.marks)
    again = _again(marks, seen.followed_ms) if len(marks) else []
    failures = np.array([failure for failure, _ in again], np.int64)
    facts = facts_of(pick(marks, failures), seen.facts) if again else failures
    held: dict[int, float] = {}
    for (failure, recovered_ms), fact in zip(again, facts.tolist(), strict=True):
        if fact >= 0 and seen.fresh[fact]:
            held[fact] = min(held.get(fact, np.inf), (marks["at_ms"][failure] - recovered_ms) / HOUR_MS)
    return Found.at(np.array(sorted(held), np.int64), [held[fact] for fact in sorted(held)], seen.followed_ms / HOUR_MS)


def _several(marks: NDArray[Any]) -> NDArray[Any]:
    """Marks of customers with two failures and a recovery: of most there is nothing to match."""
    if not len(marks):
        return marks
    failures = np.bincount(marks["customer"], marks["kind"] == MARK_FAILURE)
    recoveries = np.bincount(marks["customer"], marks["kind"] != MARK_FAILURE)
    return pick(marks, ((failures >= 2) & (recoveries >= 1))[marks["customer"]])


def _again(marks: NDArray[Any], followed_ms: int) -> list[tuple[int, int]]:
    """Failures that came after a recovery of their thread, with when that was, by index."""
    matches = match(marks, followed_ms)
    fixed = matches[(matches["recovered_ms"] != NOT_RECOVERED) & matches["failed_again"]]
    thread, at_ms, found = _threads(marks), marks["at_ms"].tolist(), []
    failures = _failures(marks, thread)
    for before, recovered_ms in zip(fixed["mark"].tolist(), fixed["recovered_ms"].tolist(), strict=True):
        rows = failures.get(thread[before], [])
        place = bisect_right(rows, recovered_ms, key=at_ms.__getitem__)
        if place < len(rows) and at_ms[rows[place]] - at_ms[before] <= followed_ms:
            found.append((rows[place], recovered_ms))
    return found


def _threads(marks: NDArray[Any]) -> list[tuple[int, int, int]]:
    """The thread of each mark: its customer's journey id, else reason."""
    journey = marks["journey"]
    reason = np.where(journey != 0, 0, marks["reason"])
    return list(zip(marks["customer"].tolist(), journey.tolist(), reason.tolist(), strict=True))


def _failures(marks: NDArray[Any], thread: list[tuple[int, int, int]]) -> dict[tuple[int, int, int], list[int]]:
    """Failures of each thread, in order."""
    order = np.lexsort((marks["event_hash"], marks["sequence"], marks["at_ms"]))
    found: dict[tuple[int, int, int], list[int]] = {}
    for row in order[marks["kind"][order] == MARK_FAILURE].tolist():
        found.setdefault(thread[row], []).append(row)
    return found


RULE = Rule("failed_recovery", "what was recovered failed again", _find)
