"""A fix did not hold: what was recovered failed again."""

from __future__ import annotations

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
    order = np.lexsort((marks["event_hash"], marks["sequence"], marks["at_ms"]))
    found = []
    for before, recovered_ms in zip(fixed["mark"].tolist(), fixed["recovered_ms"].tolist(), strict=True):
        threads = (_thread(marks[at]) == _thread(marks[before]) for at in order)
        later = [
            at
            for at, same in zip(order.tolist(), threads, strict=True)
            if same and marks["kind"][at] == MARK_FAILURE and marks["at_ms"][at] > recovered_ms
        ]
        if later and marks["at_ms"][later[0]] - marks["at_ms"][before] <= followed_ms:
            found.append((later[0], recovered_ms))
    return found


def _thread(mark: Any) -> tuple[int, int, int]:
    """A failure's thread: its journey id, else its reason."""
    journey = int(mark["journey"])
    return int(mark["customer"]), journey, 0 if journey else int(mark["reason"])


RULE = Rule("failed_recovery", "what was recovered failed again", _find)
