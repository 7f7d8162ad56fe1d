"""The views of gaps: what is felt against what the facts say, and against what was promised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.replay import prepare
from jobs.warehouse import Warehouse, open_warehouse
from pipeline.model import DEFAULT_MODEL as MODEL
from pipeline.policy import DAY_MS, Policy
from tests.core.harness import APPENDED_MS, event
from tests.oracle.logs import Entry, write

pytestmark = pytest.mark.leaves_threads(reason="chDB keeps its threads")

STORY = [
    event(1, 0, "call", touchpoint="hotline", resolved=True),
    event(2, 60_000, "answer", channel="phone", scale="csat", value=1),
    event(3, DAY_MS, "call", touchpoint="hotline", resolved=False, customer="bob"),
    event(4, 2 * DAY_MS, "promise", promised_s=60.0),
    event(5, 2 * DAY_MS, "delivery", wait_s=240.0, promised_s=60.0),
    event(6, 3 * DAY_MS, "proactive_service", touchpoint="line", visible=False),
    event(7, 3 * DAY_MS, "proactive_service", touchpoint="line", visible=True, customer="bob"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    path: Path = tmp_path_factory.mktemp("gaps") / "store"
    opened = open_warehouse(f"chdb://{path}")
    prepare(opened, replace=False)
    log = [Entry(one["customer_id"].encode(), json.dumps(one).encode(), APPENDED_MS) for one in STORY]
    write(log, opened, Policy(), MODEL, partitions=1)
    yield opened
    opened.close()


def test_a_call_that_went_well_was_felt_worse_than_its_facts(store: Warehouse) -> None:
    sql = "SELECT * FROM perception_gap WHERE touchpoint = 'hotline' AND dimension = 'meets_needs'"
    [row] = store.query(sql).dicts()
    [seen] = store.query(
        "SELECT meets_needs_score AS score, meets_needs_rational AS rational, meets_needs_confidence AS confidence, "
        "meets_needs_inferred_share AS inferred_share FROM interactions "
        "WHERE touchpoint = 'hotline' AND customer_id = 'ann'"
    ).dicts()
    assert (row["n"], row["customers"]) == (1, 1)  # nobody answered about the other call
    assert (row["perceived"], row["rational"]) == (seen["score"], seen["rational"])
    assert row["gap"] == pytest.approx(seen["score"] - seen["rational"], abs=1e-9)
    assert row["rational"] > MODEL.prior_mean
    for name in ("confidence", "inferred_share"):
        assert row[name] == pytest.approx(seen[name], abs=1e-9)
    assert 0 < row["inferred_share"] < 1
    assert row["gap"] < -3
    assert row["model_version"] == MODEL.version


def test_a_promise_raises_what_is_expected_and_is_broken(store: Warehouse) -> None:
    rows = store.query("SELECT * FROM promise_gap WHERE dimension = 'meets_needs'").dicts()
    [row] = rows
    faded = 2 ** (-DAY_MS / MODEL.journey.half_life_ms)
    assert row["customer_id"] == "ann"
    assert row["expected"] == pytest.approx(100 - 30 * 2 ** (-MODEL.expectation[2] * faded), abs=1e-6)
    assert row["gap"] == pytest.approx(row["expected"] - row["perceived"], abs=1e-9)
    [own] = store.query(
        "SELECT score, low, high FROM customer_perception_at(at = (SELECT max(as_of) FROM customers)) "
        "WHERE customer_id = 'ann' AND horizon = 'journey' AND dimension = 'meets_needs'"
    ).rows
    assert (row["perceived"], row["low"], row["high"]) == own
    assert (row["promised"], row["kept"], row["late_doublings"]) == (1, 0, 2.0)


def test_service_that_nobody_saw_is_counted(store: Warehouse) -> None:
    [row] = store.query("SELECT touchpoint, unseen, seen, customers FROM unseen_service").dicts()
    assert row == {"touchpoint": "line", "unseen": 1, "seen": 1, "customers": 1}
