"""Explanations add up to the scores that the views show, for everybody."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.explain import UnknownCustomerError, explain, newest
from jobs.replay import Plan, prepare, replay
from jobs.settings import Settings
from jobs.simulate import Scenario, simulate
from jobs.warehouse import Warehouse, open_warehouse
from jobs.warehouse.parameters import model_parameters
from pipeline.model import DEFAULT_MODEL
from schemas.tables import DIMENSIONS, HORIZONS
from tests.cli.run import run, run_json

SCENARIO = Scenario(customers=1_100, days=6, seed=7)
SAMPLE = 1_000
EXACT = 1e-9


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explain") / "store"
    store = open_warehouse(f"chdb://{path}")
    try:
        prepare(store, replace=False)
        values = [record.value for record in simulate(SCENARIO) if record.value is not None]
        replay([values], store, Settings(), Plan(SCENARIO.end_ms + 86_400_000, partitions=2))
        priors = model_parameters(DEFAULT_MODEL) | {"segment_prior/gold": 96.0, "pyramid_slope": 1.0}
        store.migrate(priors, model="test")
    finally:
        store.close()
    return path


@pytest.fixture
def store(folder: Path) -> Iterator[Warehouse]:
    opened = open_warehouse(f"chdb://{folder}", create=False, read_only=True)
    yield opened
    opened.close()


def sample(store: Warehouse) -> list[str]:
    names = [row[0] for row in store.query("SELECT customer_id FROM customers ORDER BY customer_id")]
    return random.Random(3).sample(names, min(SAMPLE, len(names)))


@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=30)])
def test_contributions_add_up_to_the_shown_score(store: Warehouse, later: timedelta) -> None:
    at = newest(store) + later
    names = sample(store)
    sql = "SELECT * FROM customer_perception_at(at = {at:DateTime64(3, 'UTC')})"
    shown = {
        (row["customer_id"], row["horizon"], row["dimension"]): row for row in store.query(sql, {"at": at}).dicts()
    }
    capped = 0
    for person in explain(store, names, at):
        assert [one.horizon for one in person.scores] == [name for name in reversed(HORIZONS) for _ in range(3)]
        for one in person.scores[:6]:
            row = shown[person.customer_id, one.horizon, one.dimension]
            total = one.prior + sum(part.points for part in one.parts)
            assert total == pytest.approx(one.mean, abs=EXACT)
            assert total + one.clipped + one.pyramid == pytest.approx(row["score"], abs=EXACT)
            got = (one.mean, one.score, one.low, one.high, one.confidence)
            wanted = tuple(row[name] for name in ("mean", "score", "low", "high", "confidence"))
            assert got == pytest.approx(wanted, abs=EXACT)
            capped += one.pyramid < 0
    assert capped > 0


def test_the_latest_interaction_starts_from_the_journey_with_its_own_evidence_in_it(store: Warehouse) -> None:
    at, names = newest(store), sample(store)
    columns = ", ".join(f"interaction_{d}_weight AS {d}_w, interaction_{d}_sum AS {d}_s" for d in DIMENSIONS)
    rows = {
        row["interaction_key"]: row
        for row in store.query(f"SELECT interaction_key, {columns} FROM interactions").dicts()
    }
    told = 0
    for person in explain(store, names, at):
        for one in person.scores[6:]:
            total = one.prior + sum(part.points for part in one.parts)
            assert total == pytest.approx(one.mean, abs=EXACT)
            assert total + one.clipped + one.pyramid == pytest.approx(one.score, abs=EXACT)
            assert one.prior == person.score("journey", one.dimension).mean
            for part in one.parts:
                weight, evidence = (rows[part.interaction.key][f"{one.dimension}_{name}"] for name in ("w", "s"))
                anchor = DEFAULT_MODEL.interaction.prior_weight
                assert one.mean == pytest.approx((anchor * one.prior + evidence) / (anchor + weight), abs=EXACT)
                assert part.weight == weight
                told += 1
    assert told >= 3_000 * 0.9


def test_the_past_is_explained_from_what_had_ended(store: Warehouse) -> None:
    past = newest(store) - timedelta(days=7)
    for person in explain(store, sample(store)[:20], past):
        for one in person.scores:
            assert all(part.interaction.ended_at <= past for part in one.parts)
            total = one.prior + sum(part.points for part in one.parts) + one.clipped + one.pyramid
            assert total == pytest.approx(one.score, abs=EXACT)


def test_before_everything_there_is_the_prior(store: Warehouse) -> None:
    [person] = explain(store, sample(store)[:1], datetime(2000, 1, 1, tzinfo=UTC))
    assert not person.scores[0].parts
    assert person.scores[0].mean == person.scores[0].prior


def test_a_stranger_is_refused(store: Warehouse) -> None:
    with pytest.raises(UnknownCustomerError, match="no customer 'nobody'"):
        explain(store, ["nobody"], newest(store))


def test_the_command_tells_the_same(folder: Path, store: Warehouse) -> None:
    sql = "SELECT customer_id FROM customers ORDER BY answers DESC, customer_id LIMIT 1"
    name = store.query(sql).value()
    store.close()
    told = run_json("explain", name, "--warehouse", f"chdb://{folder}")
    for one in told["scores"]:
        total = one["prior"] + sum(part["points"] for part in one["contributions"]) + one["clipped"] + one["pyramid"]
        assert total == pytest.approx(one["score"], abs=EXACT)
    events = [event for seen in told["interactions"].values() for event in seen["events"]]
    assert sum(seen["events"] != [] for seen in told["interactions"].values()) == len(told["interactions"])
    assert any(event["type"] == "answer" for event in events)
    text = run("explain", name, "--warehouse", f"chdb://{folder}").stdout
    assert "score, the sum of these" in text
    assert "said " in text
