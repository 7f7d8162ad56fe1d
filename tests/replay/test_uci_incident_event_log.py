"""The shipped mapping of the UCI incident log: on rows like its own, and on the real file where there is one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from jobs import sources
from jobs.replay import Plan, prepare, replay, rows
from jobs.settings import Settings
from pipeline.policy import DAY_MS, Policy
from schemas.event import Event
from tests.replay.files import write
from tests.replay.warehouses import NOW_MS, store

HEADER = (
    "number,incident_state,active,reassignment_count,reopen_count,sys_mod_count,made_sla,caller_id,opened_by,opened_at,"
    "sys_created_by,sys_created_at,sys_updated_by,sys_updated_at,contact_type,location,category,subcategory,u_symptom,"
    "cmdb_ci,impact,urgency,priority,assignment_group,assigned_to,knowledge,u_priority_confirmation,notify,problem_id,"
    "rfc,vendor,caused_by,closed_code,resolved_by,resolved_at,closed_at"
)
NAME = "uci_incident_event_log"
DATA = Path(os.environ.get("PERCEPTION_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
REAL = DATA / "uci_incident_event_log.csv.gz"


def row(**given: str) -> str:
    """An update with these columns; the others are not known."""
    usual = {
        "number": "0000045",
        "incident_state": "Active",
        "reassignment_count": "0",
        "reopen_count": "0",
        "sys_mod_count": "0",
        "made_sla": "true",
        "caller_id": "2403",
        "sys_updated_at": "29/2/2016 01:23",
        "contact_type": "Phone",
        "priority": "3",
    }
    columns = usual | given
    return ",".join(columns.get(name, "?") for name in HEADER.split(","))


def events(tmp_path: Path, *lines: str) -> list[dict[str, Any]]:
    path = write(tmp_path / "log.csv", "\n".join([HEADER, *lines]))
    found = [value for chunk in sources.read([path], NAME) for value in chunk]
    for value in found:
        Event.model_validate_json(value)
    return [json.loads(value) for value in found]


def test_an_update_is_an_event(tmp_path: Path) -> None:
    (made,) = events(
        tmp_path,
        row(category="55", assignment_group="56", location="143", incident_state="New", contact_type="Self service"),
    )
    assert len(made.pop("event_id")) == 32
    assert made == {
        "customer_id": "caller-2403",
        "occurred_at": "2016-02-29T01:23:00.000Z",
        "sequence": 0,
        "type": "case",
        "status": "opened",
        "journey_id": "0000045",
        "goal": "incident",
        "touchpoint": "service_desk",
        "channel": "self_service",
        "reason": "category-55",
        "team": "group-56",
        "severity": 2,
        "transfers": 0,
        "attributes": {"state": "New", "location": "143"},
        "measures": {"made_sla": 1},
    }


def test_arrival_is_ordered_by_time_number_and_modification(tmp_path: Path) -> None:
    lines = [
        row(number="2", sys_mod_count="10", sys_updated_at="2/3/2016 10:00"),
        row(number="2", sys_mod_count="9", sys_updated_at="2/3/2016 10:00"),
        row(number="1", sys_mod_count="11", sys_updated_at="2/3/2016 10:00"),
        row(number="9", sys_mod_count="0", sys_updated_at="10/2/2016 23:59"),
    ]
    assert [(made["journey_id"], made["sequence"]) for made in events(tmp_path, *lines)] == [
        ("9", 0),
        ("1", 11),
        ("2", 9),
        ("2", 10),
    ]


def test_a_caller_that_is_not_known_is_a_customer_per_incident(tmp_path: Path) -> None:
    made = events(tmp_path, row(number="1", caller_id="?"), row(number="2", caller_id="?"))
    assert [one["customer_id"] for one in made] == ["unknown-1", "unknown-2"]


def test_running_totals_become_changes(tmp_path: Path) -> None:
    states = ["New", "Active", "Resolved", "Active", "Closed"]
    made = events(
        tmp_path,
        *(
            row(incident_state=state, sys_mod_count=str(n), reassignment_count=moved, reopen_count=reopened)
            for n, (state, moved, reopened) in enumerate(zip(states, "02235", "00011", strict=True))
        ),
    )
    assert [one["status"] for one in made] == ["opened", "updated", "resolved", "reopened", "closed"]
    assert [one["transfers"] for one in made] == [0, 2, 0, 1, 2]
    assert [one.get("resolved") for one in made] == [None, None, True, False, True]


def test_what_is_not_known_is_not_given(tmp_path: Path) -> None:
    (made,) = events(tmp_path, row(contact_type="?", priority="?", reassignment_count="?"))
    assert not {"channel", "severity", "transfers", "reason", "team"} & set(made)


def test_a_time_that_is_none_is_left_to_the_contract(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", "\n".join([HEADER, row(sys_updated_at="soon")]))
    (value,) = [value for chunk in sources.read([path], NAME) for value in chunk]
    assert "occurred_at" not in json.loads(value)


def test_the_id_is_a_function_of_all_columns(tmp_path: Path) -> None:
    first, again, other = events(tmp_path, row(), row(), row(closed_at="1/1/2017 00:00"))
    assert first["event_id"] != other["event_id"] or again["event_id"] != other["event_id"]
    assert len({first["event_id"], again["event_id"], other["event_id"]}) == 2


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_file(), reason=f"PERCEPTION_TEST_DATA has no {REAL.name}")
def test_the_real_log_is_taken_whole(tmp_path: Path) -> None:
    with store(tmp_path / "store") as warehouse:
        prepare(warehouse, replace=False)
        settings = Settings(policy=Policy(lateness_ms=365 * DAY_MS))
        totals = replay(sources.read([REAL], NAME), warehouse, settings, Plan(NOW_MS))
        assert totals.counts["events"] == totals.records == 141_712
        assert totals.counts["late"] == totals.counts["rejected"] == totals.counts["duplicates"] == 0
        assert rows(warehouse)["journeys"] == 24_921
        incidents = warehouse.query("SELECT uniqExact(journey_id), countIf(journey_id = '') FROM journeys").rows
        assert incidents == [(24_918, 0)]
