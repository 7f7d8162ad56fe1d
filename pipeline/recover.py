"""Service recovery: every failure is followed until it is fixed (PERCEPTION.md, "Recovery").

A function of the set of marks: whatever order they come in, they are judged in order of (at, sequence, event hash).
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.ordering import order_of
from pipeline.records import MARK, MARK_FAILURE, MARK_RECOVERY

__all__ = ["MARK", "MATCH", "NOT_RECOVERED", "match"]

NOT_RECOVERED: Final = np.iinfo(np.int64).min

MATCH: Final = np.dtype(
    [
        ("mark", "i8"),  # index of the failure among the marks given
        ("recovered_ms", "i8"),  # when it was fixed, NOT_RECOVERED = still open
        ("recovery", "i8"),  # index of the recovery among the marks given, -1 = still open
        ("failed_again", "?"),  # another failure of the same thread came later
    ]
)
"""What became of one failure."""


def match(marks: NDArray[Any], window_ms: int) -> NDArray[Any]:
    """Outcome (dtype MATCH) of every failure in ``marks`` (dtype MARK, complete per customer), in order of ``mark``.

    A failure is followed for ``window_ms``: what comes later neither closes nor repeats it.

    A recovery closes the earliest open failure of its journey id; where there is none, the earliest open one of its
    reason, unless that belongs to another journey id. No reason given counts as a reason of its own.
    The thread of a failure is its journey id, else its reason.
    """
    order = order_of(*(marks[name] for name in ("customer", "at_ms", "sequence", "event_hash")))
    failures = np.flatnonzero(marks["kind"] == MARK_FAILURE)
    found = np.zeros(len(failures), MATCH)
    found["mark"] = failures
    found["recovered_ms"] = NOT_RECOVERED
    found["recovery"] = -1
    found["failed_again"] = _came_again(marks, order, window_ms)[failures]
    for failure, recovery in _pairs(marks, order, window_ms):
        row = np.searchsorted(failures, failure)
        found["recovery"][row] = recovery
        found["recovered_ms"][row] = marks["at_ms"][recovery]
    return found


def _came_again(marks: NDArray[Any], order: NDArray[np.int64], window_ms: int) -> NDArray[np.bool_]:
    """Which marks are failures with a later failure of the same thread in the window, shape of ``marks``."""
    failures = order[marks["kind"][order] == MARK_FAILURE]
    journey = marks["journey"][failures]
    reason = np.where(journey != 0, 0, marks["reason"][failures])
    by_thread = order_of(marks["customer"][failures], journey, reason)
    thread = np.stack((marks["customer"][failures], journey, reason), axis=1)[by_thread]
    again = np.zeros(len(marks), dtype=np.bool_)
    soon = np.diff(marks["at_ms"][failures[by_thread]]) <= window_ms
    again[failures[by_thread[:-1]]] = (thread[1:] == thread[:-1]).all(axis=1) & soon
    return again


def _pairs(marks: NDArray[Any], order: NDArray[np.int64], window_ms: int) -> list[tuple[int, int]]:
    """Index pairs (failure, recovery); only customers who have both are walked."""
    customers = np.intersect1d(
        marks["customer"][marks["kind"] == MARK_FAILURE], marks["customer"][marks["kind"] == MARK_RECOVERY]
    )
    walked = order[np.isin(marks["customer"][order], customers)]
    columns = (marks[name][walked].tolist() for name in ("customer", "kind", "journey", "reason"))
    at = marks["at_ms"].tolist()
    waiting: defaultdict[_Queue, deque[int]] = defaultdict(deque)
    closed: set[int] = set()
    pairs = []
    for mark, customer, kind, journey, reason in zip(walked.tolist(), *columns, strict=True):
        if kind == MARK_FAILURE:
            for queue in _queues_of_failure(customer, journey, reason):
                waiting[queue].append(mark)
            continue
        heads = (
            _first_open(waiting[queue], closed, at, at[mark] - window_ms)
            for queue in _queues_of_recovery(customer, journey, reason)
        )
        failure = next((head for head in heads if head is not None), None)
        if failure is not None:
            closed.add(failure)
            pairs.append((failure, mark))
    return pairs


_Queue = tuple[int, str, int]
"""Customer, what the failures have in common, its code."""


def _queues_of_failure(customer: int, journey: int, reason: int) -> tuple[_Queue, ...]:
    """Where a failure waits: every queue that may be asked for it."""
    named = (customer, "journey", journey) if journey else (customer, "reason without journey", reason)
    return named, (customer, "reason", reason)


def _queues_of_recovery(customer: int, journey: int, reason: int) -> tuple[_Queue, ...]:
    """Where a recovery looks, in order."""
    if journey:
        return (customer, "journey", journey), (customer, "reason without journey", reason)
    return ((customer, "reason", reason),)


def _first_open(queue: deque[int], closed: set[int], at_ms: list[int], since_ms: int) -> int | None:
    """The earliest failure of a queue, not before ``since_ms``, that no recovery closed; drops others on the way."""
    while queue and (queue[0] in closed or at_ms[queue[0]] < since_ms):
        queue.popleft()
    return queue[0] if queue else None
