"""The shipped mapping of the airport survey: on rows like its own, and on the real file where there is one."""

from __future__ import annotations

import gzip
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

NAME = "sfo_survey_2017"
REAL = DATA / f"{NAME}.csv.gz"
RATED = (
    "Q7ART,Q7FOOD,Q7STORE,Q7SIGN,Q7WALKWAYS,Q7SCREENS,Q7INFODOWN,Q7INFOUP,Q7WIFI,Q7ROADS,Q7PARK,Q7AIRTRAIN,"
    "Q7LTPARKING,Q7RENTAL,Q7ALL,Q9BOARDING,Q9AIRTRAIN,Q9RENTAL,Q9FOOD,Q9RESTROOM,Q9ALL,Q10SAFE,Q12PRECHEKCRATE,"
    "Q13GETRATE,Q14FIND,Q14PASSTHRU"
)
ASKED = (
    "AIRLINE,BAREA,Q2PURP1,Q3GETTO1,Q5TIMESFLOWN,Q5FIRSTTIME,Q6LONGUSE,Q11TSAPRE,Q15PROBLEM,Q16LIVE,Q19AGE,Q20GENDER,"
    "Q21INCOME,Q22FLY,LANG"
)
HEADER = f"RESPNUM,INTDATE,DEPTIME,NETPRO,{RATED},{ASKED}"


def passenger(**given: str) -> str:
    """A passenger who answered this, and left all else blank."""
    return ",".join({"RESPNUM": "7", "INTDATE": "8", **given}.get(name, "0") for name in HEADER.split(","))


def events(tmp_path: Path, *lines: str) -> list[dict[str, Any]]:
    path = write(tmp_path / "survey.csv", "\n".join([HEADER, *lines]))
    found = [value for chunk in sources.read([path], NAME) for value in chunk]
    for value in found:
        Event.model_validate_json(value)
    return [json.loads(value) for value in found]


def test_a_passenger_is_a_visit_and_an_answer(tmp_path: Path) -> None:
    visit, answer = events(
        tmp_path,
        passenger(DEPTIME="12/31/1899 01:05:00 PM", NETPRO="9", Q7ART="5", Q7FOOD="6", Q7ALL="Blank", AIRLINE="DELTA"),
    )
    assert visit["type"] == "use"
    assert visit["measures"] == {"art": 5.0}
    assert visit["attributes"] == {"airline": "DELTA"}
    assert visit["occurred_at"] == answer["occurred_at"] == "2017-05-08T13:05:00.000Z"
    assert (answer["type"], answer["scale"], answer["value"]) == ("answer", "nps", 9)
    assert visit["interaction_id"] == answer["interaction_id"]
    assert "measures" not in answer


@pytest.mark.parametrize("blank", ["11", "", "Blank"])
def test_a_blank_answer_is_none(tmp_path: Path, blank: str) -> None:
    [visit] = events(tmp_path, passenger(NETPRO=blank, DEPTIME="soon"))
    assert visit["type"] == "use"
    assert visit["occurred_at"] == "2017-05-08T12:00:00.000Z"


@pytest.mark.skipif(not REAL.is_file(), reason=f"PERCEPTION_TEST_DATA has no {REAL.name}")
def test_every_real_row_is_taken(tmp_path: Path) -> None:
    with gzip.open(REAL, "rt", encoding="utf-8") as lines:
        given = sum(1 for _ in lines) - 1
    with store(tmp_path / "store") as warehouse:
        prepare(warehouse, replace=False)
        totals = replay(sources.read([REAL], NAME), warehouse, Settings(), Plan(NOW_MS))
        kinds = dict(warehouse.query("SELECT toString(type), count() FROM events GROUP BY type").rows)
    assert not totals.rejected
    assert totals.counts["late"] == totals.counts["duplicates"] == 0
    assert kinds == {"use": given, "answer": 2_746}
