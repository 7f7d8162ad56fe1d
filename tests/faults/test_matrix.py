"""A fast selection of the matrix on this worker, and the control once; ``make faults`` runs all of it.

The faults of the real job and its warehouse are in ``test_warehouse``.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.faults import brokers, rig, states, tables, workers
from tests.faults.case import Case
from tests.faults.conftest import broken
from tests.faults.faults import FAULTS
from tests.faults.load import BAD, expected, plan
from tests.faults.sessions import GAP_MS, final
from tests.faults.table import failures, line, rendered

# A connection that is cut in mid-flight leaves its transport to the collector.
cuts = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
SELECTION = (
    workers.killed,
    workers.joined,
    states.bad_last_record,
    states.offsets_expired,
)
MINUTE_MS = 60_000


@cuts
@pytest.mark.slow
@pytest.mark.parametrize("case", SELECTION, ids=lambda case: case.name)
def test_nothing_is_lost_and_nothing_doubled(kafka_behind_proxy: rig.Kafka, tmp_path: Path, case: Case) -> None:
    cell = broken(case, kafka_behind_proxy, tmp_path, "ours")
    assert cell.clean, cell


@cuts
@pytest.mark.slow
def test_the_control_fails_where_it_must(kafka_behind_proxy: rig.Kafka, tmp_path: Path) -> None:
    cell = broken(workers.killed, kafka_behind_proxy, tmp_path, "stock")
    assert cell.doubled > 0, "a check that a stock agent passes is worthless"


def test_every_fault_has_a_name_and_a_title_of_its_own() -> None:
    for told in ([case.title for case in FAULTS], [case.name for case in FAULTS]):
        assert len(set(told)) == len(told)
        assert all(told)


def test_the_plan_is_a_function_of_its_arguments() -> None:
    assert plan(100, 1) == plan(100, 1) != plan(100, 2)
    assert expected(plan(100, 1)).total() == 100
    poisoned = plan(1_000, 1, poison=0.1)
    assert [one.key for one in poisoned[:3]] != [one.key for one in plan(3, 2)]
    bad = sum(one.value == BAD for one in poisoned)
    assert 50 < bad < 150
    assert expected(poisoned).total() == 1_000 - bad


def test_the_events_of_the_tables_are_late_and_of_any_order() -> None:
    made = tables.events(1)
    assert made == tables.events(1)
    behind, latest = 0, 0
    for event in made:
        behind += event["occurred_at"] < latest
        latest = max(latest, event["occurred_at"])
    assert behind > 0.9 * len(made)
    now_ms = time.time_ns() // 1_000_000
    of_now = tables.events_of_now(1, now_ms)
    assert sum(event["occurred_at"] > now_ms for event in of_now) == 4
    assert sum(one.timestamp_ms is not None for one in tables.sent(of_now)) == 4


def test_the_controls_sessions_are_merged_by_their_gap() -> None:
    def event(minute: int, customer: str = "a") -> dict[str, object]:
        return {"customer_id": customer, "channel": "web", "occurred_at": minute * MINUTE_MS}

    first, bridged = [event(0), event(40), event(41, "b")], [event(0), event(40), event(20)]
    assert final(first) == {("a|web", 0): (0, 1), ("a|web", 40 * MINUTE_MS): (40 * MINUTE_MS, 1)} | {
        ("b|web", 41 * MINUTE_MS): (41 * MINUTE_MS, 1)
    }
    assert final(bridged) == {("a|web", 0): (40 * MINUTE_MS, 3)}
    assert GAP_MS == 30 * MINUTE_MS


def test_a_groups_coordinator_is_found_as_the_broker_does() -> None:
    assert brokers.java_hash("abc") == 96354
    assert brokers.java_hash("polygenelubricants") == 0, "Java's is the smallest number: its sign is taken off"


def test_the_table_says_what_is_wrong() -> None:
    clean, dirty, stuck = rig.Cell(0, 0, 3.2), rig.Cell(1, 2, 5.0), rig.Cell(0, 0, None)
    behind = rig.Cell(0, 0, 3.2, uncommitted=1)
    kill = workers.killed
    cells: dict[tuple[str, str], rig.Cell | str] = {("killed", "stock"): dirty, ("killed", "ours"): clean}
    assert (
        rendered([kill], ["stock", "ours"], cells).splitlines()[-1] == "| SIGKILL in mid-run | 1 | 2 | 5 | 0 | 0 | 3 |"
    )
    assert failures([kill], cells) == []
    assert failures([kill], {("killed", "stock"): clean, ("killed", "ours"): clean}) == [
        "killed: the control passes, so the check is worthless"
    ]
    assert failures([workers.killed_alone], {("killed_alone", "stock"): clean}) == []
    for bad in (dirty, stuck, behind, "AssertionError: x"):
        assert failures([kill], {("killed", "ours"): bad}) == [f"killed: {bad}"]
    assert json.loads(line(kill, "ours", clean))["lost"] == 0
    assert json.loads(line(kill, "ours", "it broke"))["error"] == "it broke"
