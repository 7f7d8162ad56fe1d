"""The real job and a real warehouse broken in mid-work: the tables are those of the log, whatever happened.

A selection of the matrix; ``make faults`` runs all of it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import crashes, rig, warehouses
from tests.faults.case import Case
from tests.faults.conftest import broken

SELECTION = (
    crashes.crash_after_changelog,
    crashes.crash_amid_rows,
    warehouses.warehouse_killed,
    warehouses.reply_swallowed,
)
pytestmark = [
    pytest.mark.slow,
    # A connection that is cut in mid-flight leaves its transport to the collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.mark.parametrize("case", SELECTION, ids=lambda case: case.name)
def test_the_tables_are_those_of_the_log(kafka_behind_proxy: rig.Kafka, tmp_path: Path, case: Case) -> None:
    cell = broken(case, kafka_behind_proxy, tmp_path, "ours")
    assert cell.clean, cell
