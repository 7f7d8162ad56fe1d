"""The dry run on a warehouse: events in, report out; any order of arrival; and a real log of complaints."""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jobs import sources
from jobs.alerts.simulate import Plan, simulate
from jobs.cli import main
from jobs.replay import Plan as ReplayPlan
from jobs.replay import prepare, replay
from jobs.settings import Settings
from pipeline.policy import DAY_MS, Policy
from schemas.event import Event
from tests.replay.files import write
from tests.replay.warehouses import NOW_MS, store

NAME = "comcast_complaints_2015"
DATA = Path(os.environ.get("PERCEPTION_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
REAL = DATA / f"{NAME}.csv.gz"
EVERYTHING = Plan(0, NOW_MS, ("hour", "day"), 7.0)
LATENESS = Settings(policy=Policy(lateness_ms=400 * DAY_MS))
HEADER = "Ticket #,Customer Complaint,Received Via,City,State,Zip code,Status,ts"
START = datetime(2024, 1, 1, tzinfo=UTC)
BAD = START + timedelta(days=45)


def ratings() -> list[bytes]:
    """Answers of two channels; those of one fall by half on a known day."""
    chance = random.Random(1)
    made: list[bytes] = []
    for hour in range(60 * 24):
        at = START + timedelta(hours=hour)
        for channel in ("phone", "web"):
            for _ in range(chance.choice([0, 1, 2])):
                value = chance.gauss(4 if channel == "web" and BAD <= at < BAD + timedelta(days=3) else 8, 1.2)
                event = {
                    "event_id": f"{len(made)}",
                    "customer_id": f"{len(made)}",
                    "occurred_at": at.isoformat(),
                    "type": "answer",
                    "scale": "nps",
                    "value": max(0, min(10, round(value))),
                    "channel": channel,
                }
                made.append(json.dumps(event).encode())
    return made


def report(path: Path, events: list[bytes]) -> dict[str, Any]:
    with store(path) as warehouse:
        prepare(warehouse, replace=False)
        replay(iter([events]), warehouse, LATENESS, ReplayPlan(NOW_MS))
        return simulate(warehouse, EVERYTHING)


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A store with the ratings in order of time, which nobody changes, and its report."""
    path = tmp_path_factory.mktemp("rated") / "store"
    return path, report(path, ratings())


def test_a_fall_of_answers_is_found_and_explained(rated: tuple[Path, dict[str, Any]]) -> None:
    _, made = rated
    drops = [one for one in made["alerts"] if one["of"] == "answers" and one["at"] >= BAD.isoformat()[:10]]
    assert [one["scope"] for one in drops] == ["channel=web"]
    (drop,) = drops
    assert drop["at"] < (BAD + timedelta(days=1)).isoformat()
    assert drop["customers"] >= 10
    assert drop["ended"] is not None
    assert drop["example_customers"]
    assert drop["dimensions"]
    json.dumps(made)


def test_order_of_arrival_is_irrelevant(rated: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    events = ratings()
    shuffled = random.Random(2).sample(events, len(events))
    assert shuffled != events
    assert report(tmp_path / "other", shuffled) == rated[1]


def test_the_command_prints_what_it_would_have_said(rated: tuple[Path, dict[str, Any]]) -> None:
    path, expected = rated
    run = CliRunner().invoke(main, ["alerts", "simulate", "--warehouse", f"chdb://{path}", "--json"])
    assert run.exit_code == 0, run.output
    shown = json.loads(run.output)
    assert shown["alerts"] == expected["alerts"]
    run = CliRunner().invoke(main, ["alerts", "simulate", "--warehouse", f"chdb://{path}", "--grain", "hour"])
    assert "DROP  channel=web" in run.output
    assert "Expected time to find a fall" in run.output


def complaints(tmp_path: Path, *lines: str) -> list[dict[str, Any]]:
    path = write(tmp_path / "log.csv", "\n".join([HEADER, *lines]))
    found = [value for chunk in sources.read([path], NAME) for value in chunk]
    for value in found:
        Event.model_validate_json(value)
    return [json.loads(value) for value in found]


def test_a_complaint_is_an_event(tmp_path: Path) -> None:
    made = complaints(
        tmp_path,
        '12,"Slow, very slow",Internet,Abingdon,Maryland,21009,Open,2015-06-04 10:00:00',
        "11,Price,Customer Care Call,Acworth,Georgia,30102,Solved,2015-04-14 09:30:00",
    )
    assert [(one["customer_id"], one["channel"], one.get("resolved")) for one in made] == [
        ("ticket-11", "phone", True),
        ("ticket-12", "web", None),
    ]
    assert made[1]["occurred_at"] == "2015-06-04T10:00:00.000Z"
    assert made[1]["attributes"]["complaint"] == "Slow, very slow"
    assert {one["type"] for one in made} == {"complaint"}


@pytest.mark.skipif(not REAL.is_file(), reason=f"PERCEPTION_TEST_DATA has no {REAL.name}")
def test_the_surge_of_june_and_the_quiet_weeks(tmp_path: Path) -> None:
    events = [value for chunk in sources.read([REAL], NAME) for value in chunk]
    made = report(tmp_path / "store", events)
    assert {one["state"] for one in made["alerts"]} == {"surge of contacts"}
    assert [one["at"] for one in made["alerts"] if one["at"] < "2015-06-13"] == []
    (surge,) = made["alerts"]
    assert (surge["scope"], surge["ended"]) == ("everything", None)  # 53 a day at the end are not the usual 18
    steps = [{"at": surge["at"], "size": surge["size"]}, *surge["worse_at"]]
    assert any("2015-06-23" < one["at"] <= "2015-06-24T00:00:00Z" and one["size"] > 5 for one in steps)
    assert surge["worst"] == {"bucket": "2015-06-24T00:00:00Z", "seen": 218, "usual": pytest.approx(19, abs=3)}
