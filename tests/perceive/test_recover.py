"""Service recovery: which failure a recovery closes, and whether the fix held."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.records import MARK_FAILURE, MARK_RECOVERY
from pipeline.recover import MARK, NOT_RECOVERED, match
from tests.support.laws import tries

FAILURE, RECOVERY = MARK_FAILURE, MARK_RECOVERY
WINDOW = 1_000_000


def marks_of(*given: tuple[Any, ...]) -> NDArray[Any]:
    """Marks of (at, kind, journey, reason[, customer[, sequence]]); the hash is the place."""
    marks = np.zeros(len(given), MARK)
    names = ("at_ms", "kind", "journey", "reason", "customer", "sequence")
    for row, values in enumerate(given):
        marks["customer"][row], marks["event_hash"][row] = 1, row
        for name, value in zip(names, values, strict=False):
            marks[name][row] = value
    return marks


def outcome(*given: tuple[Any, ...]) -> list[tuple[int | None, bool]]:
    """(recovered at or None, failed again) per failure."""
    found = match(marks_of(*given), WINDOW)
    return [
        (None if at == NOT_RECOVERED else at, again)
        for at, again in zip(found["recovered_ms"].tolist(), found["failed_again"].tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([(1, FAILURE, 0, 7)], [(None, False)], id="open"),
        pytest.param([(1, FAILURE, 5, 7), (2, RECOVERY, 5, 0)], [(2, False)], id="by journey"),
        pytest.param([(1, FAILURE, 0, 7), (2, RECOVERY, 0, 7)], [(2, False)], id="by reason"),
        pytest.param([(1, FAILURE, 0, 0), (2, RECOVERY, 0, 0)], [(2, False)], id="no reason is a reason"),
        pytest.param([(1, FAILURE, 0, 7), (2, RECOVERY, 0, 8)], [(None, False)], id="other reason"),
        pytest.param([(2, FAILURE, 0, 7), (1, RECOVERY, 0, 7)], [(None, False)], id="recovery before failure"),
        pytest.param(
            [(1, FAILURE, 0, 7), (2, FAILURE, 5, 7), (3, RECOVERY, 5, 7)],
            [(None, False), (3, False)],
            id="journey goes before reason",
        ),
        pytest.param([(1, FAILURE, 0, 7), (2, RECOVERY, 5, 7)], [(2, False)], id="else by reason"),
        pytest.param([(1, FAILURE, 5, 7), (2, RECOVERY, 0, 7)], [(2, False)], id="recovery without journey"),
        pytest.param([(1, FAILURE, 4, 7), (2, RECOVERY, 5, 7)], [(None, False)], id="never of another journey"),
        pytest.param(
            [(1, FAILURE, 0, 7), (2, FAILURE, 0, 7), (3, RECOVERY, 0, 7)],
            [(3, True), (None, False)],
            id="the earliest is closed first",
        ),
        pytest.param(
            [(1, FAILURE, 0, 7), (2, RECOVERY, 0, 7), (3, FAILURE, 0, 7), (4, RECOVERY, 0, 7)],
            [(2, True), (4, False)],
            id="fixed, failed again, fixed",
        ),
        pytest.param(
            [(1, FAILURE, 5, 7), (2, FAILURE, 5, 8), (3, FAILURE, 6, 7)],
            [(None, True), (None, False), (None, False)],
            id="the journey is the thread",
        ),
        pytest.param([(1, FAILURE, 0, 7), (1, RECOVERY, 0, 7, 1, -1)], [(None, False)], id="sequence decides a tie"),
        pytest.param([(1, FAILURE, 0, 7), (1, RECOVERY, 0, 7)], [(1, False)], id="then the hash"),
        pytest.param(
            [(1, FAILURE, 5, 7, 1), (2, RECOVERY, 5, 7, 2), (3, FAILURE, 5, 7, 2)],
            [(None, False), (None, False)],
            id="customers are apart",
        ),
    ],
)
def test_cases(marks: list[tuple[Any, ...]], expected: list[tuple[int | None, bool]]) -> None:
    assert outcome(*marks) == expected


def slowly(marks: NDArray[Any]) -> dict[int, tuple[int, bool]]:
    """Hash of a failure -> hash of its recovery (or -1), failed again: every pair of marks is looked at."""
    rows = sorted(marks, key=lambda mark: (mark["at_ms"], mark["sequence"], mark["event_hash"]))
    closed: dict[int, int] = {}
    for place, fix in enumerate(rows):
        if fix["kind"] != RECOVERY:
            continue
        earlier = [
            row
            for row in rows[:place]
            if row["kind"] == FAILURE and row["customer"] == fix["customer"] and int(row["event_hash"]) not in closed
        ]
        same = [row for row in earlier if fix["journey"] and row["journey"] == fix["journey"]]
        near = [row for row in earlier if row["reason"] == fix["reason"] and 0 in {row["journey"], fix["journey"]}]
        for row in (same or near)[:1]:
            closed[int(row["event_hash"])] = int(fix["event_hash"])

    def thread(row: Any) -> tuple[int, ...]:
        return (row["customer"], 1, row["journey"]) if row["journey"] else (row["customer"], 0, row["reason"])

    failures = [row for row in rows if row["kind"] == FAILURE]
    return {
        int(row["event_hash"]): (
            closed.get(int(row["event_hash"]), -1),
            any(thread(later) == thread(row) for later in failures[place + 1 :]),
        )
        for place, row in enumerate(failures)
    }


SMALL = st.integers(0, 2)
MARKS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1), SMALL, SMALL, SMALL, SMALL), max_size=14)


@settings(max_examples=tries(150), deadline=None)
@given(MARKS, st.data())
def test_equals_the_slow_reading_in_any_order(given: list[tuple[Any, ...]], data: st.DataObject) -> None:
    marks = marks_of(*given)
    shuffled = marks[np.array(data.draw(st.permutations(range(len(marks)))), dtype=np.int64)]
    found = match(shuffled, WINDOW)
    hashes = shuffled["event_hash"]
    result = {
        int(hashes[row["mark"]]): (
            int(hashes[row["recovery"]]) if row["recovery"] >= 0 else -1,
            bool(row["failed_again"]),
        )
        for row in found
    }
    assert result == slowly(marks)


def test_outcomes_come_in_order_of_the_marks_given() -> None:
    found = match(marks_of((9, RECOVERY, 0, 7), (5, FAILURE, 0, 7), (1, FAILURE, 0, 8)), WINDOW)
    assert found["mark"].tolist() == [1, 2]
    assert found["recovery"].tolist() == [0, -1]


def test_one_customer_with_very_many_marks_is_no_trap() -> None:
    """Failures by the thousand, each closed: linear, where a search through all open ones would take minutes."""
    count = 50_000
    marks = np.zeros(2 * count, MARK)
    marks["at_ms"] = np.arange(2 * count)
    marks["reason"][:count] = np.arange(count)
    marks["reason"][count:] = np.arange(count)[::-1]
    marks["kind"][count:] = RECOVERY
    found = match(marks, WINDOW)
    assert (found["recovery"] == np.arange(2 * count - 1, count - 1, -1)).all()


def test_a_failure_is_followed_for_the_window_only() -> None:
    marks = marks_of((0, FAILURE, 0, 7), (WINDOW + 1, RECOVERY, 0, 7), (WINDOW + 2, FAILURE, 0, 7))
    found = match(marks, WINDOW)
    assert found["recovered_ms"].tolist() == [NOT_RECOVERED, NOT_RECOVERED]
    assert found["failed_again"].tolist() == [False, False]
    assert match(marks, WINDOW + 2)["failed_again"].tolist() == [True, False]
