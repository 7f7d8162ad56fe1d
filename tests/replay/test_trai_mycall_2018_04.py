"""The shipped mapping of rated calls: on rows like its own, and on the real file where there is one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobs import sources
from jobs.replay import Plan, prepare, replay
from jobs.settings import Settings
from schemas.event import Event
from tests.replay.files import write
from tests.replay.test_uci_incident_event_log import DATA
from tests.replay.warehouses import NOW_MS, store

NAME = "trai_mycall_2018_04"
REAL = DATA / f"{NAME}.csv.gz"
HEADER = "Operator,Indoor_Outdoor_Travelling,Network Type,Rating,Call Drop Category,Latitude,Longitude,State Name"


def events(tmp_path: Path, *lines: str) -> list[dict[str, Any]]:
    path = write(tmp_path / "calls.csv", "\n".join([HEADER, *lines]))
    found = [value for chunk in sources.read([path], NAME) for value in chunk]
    for value in found:
        Event.model_validate_json(value)
    return [json.loads(value) for value in found]


def test_a_row_is_a_call_and_its_rating(tmp_path: Path) -> None:
    call, answer = events(tmp_path, "RJio,Indoor,Unknown,2,Poor Network,-1,-1,")
    assert (call["type"], call["outcome"]) == ("call", "poor_network")
    assert call["attributes"] == {"operator": "RJio", "place": "Indoor"}
    assert {name: answer[name] for name in ("type", "scale", "value", "scale_min", "scale_max")} == {
        "type": "answer", "scale": "rating", "value": 2, "scale_min": 1, "scale_max": 5,
    }  # fmt: skip
    assert call["customer_id"] == answer["customer_id"]
    assert call["occurred_at"] == answer["occurred_at"] == "2018-04-15T12:00:00.000Z"
    assert "outcome" not in answer
    assert "attributes" not in answer


def test_equal_rows_are_different_customers(tmp_path: Path) -> None:
    row = "Airtel,Outdoor,4G,5,Satisfactory,-1,-1,Goa"
    made = events(tmp_path, row, row, row)
    assert len({one["event_id"] for one in made}) == 6
    assert len({one["customer_id"] for one in made}) == 3


def test_a_call_without_a_rating_is_a_call(tmp_path: Path) -> None:
    [call] = events(tmp_path, "Airtel,Outdoor,4G,,Satisfactory,-1,-1,Goa")
    assert call["type"] == "call"


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_file(), reason=f"PERCEPTION_TEST_DATA has no {REAL.name}")
def test_every_real_row_is_taken(tmp_path: Path) -> None:
    with store(tmp_path / "store") as warehouse:
        prepare(warehouse, replace=False)
        totals = replay(sources.read([REAL], NAME), warehouse, Settings(), Plan(NOW_MS))
        assert totals.counts["events"] == totals.records == 2 * 63_336
        assert totals.counts["duplicates"] == 0
