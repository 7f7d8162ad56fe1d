"""Two models over one log: the differences add up, and are those of two replays."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.models import dump
from jobs.warehouse import open_warehouse
from pipeline.model import DEFAULT_MODEL, Model
from pipeline.predictor import SYMPTOM, Line, Predictor
from schemas.tables import DIMENSIONS
from tests.cli.run import run, run_json
from tests.fit.orders import NOW_MS, events

DAYS = Line((-5.0, -2.0, -3.0), 4.0, 1.0, 8.0, (1.0, 1.0, 1.0), types=("delivery",))


def other() -> Model:
    """A model that judges deliveries, with longer memory."""
    journey = replace(DEFAULT_MODEL.journey, half_life_ms=DEFAULT_MODEL.journey.half_life_ms * 2)
    predictor = Predictor(SYMPTOM, (0.5, 0.5, 0.5), {"measures.days": DAYS})
    model = replace(DEFAULT_MODEL, version="", journey=journey, predictor=predictor, prior_mean=65.0)
    return replace(model, version=f"other-{model.digest()}")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.ndjson"
    path.write_text("\n".join(map(json.dumps, events(40, seed=8))), encoding="utf-8")
    (tmp_path / "other.toml").write_text(dump(other()), encoding="utf-8")
    return path


def test_moves_add_up_and_are_those_of_two_replays(log: Path) -> None:
    options = ("--now", str(NOW_MS), "--lateness", "400d", "--partitions", "2")
    models = ("--model", "start", "--model", str(log.parent / "other.toml"))
    told = run_json("replay", str(log), *models, "--most", "4", *options)
    assert told["models"] == [DEFAULT_MODEL.version, other().version]
    assert told["customers"] == 40
    assert len(told["moves"]) == 4
    for move in told["moves"]:
        for side in ("before", "after"):
            for horizon in ("relationship", "journey"):
                for dimension in DIMENSIONS:
                    lines = [reason[side][horizon][dimension] for reason in move["reasons"]]
                    assert sum(lines) == pytest.approx(move[side][horizon][dimension], abs=1e-9)
    for side, file in (("before", None), ("after", str(log.parent / "other.toml"))):
        url = f"chdb://{log.parent}/{side}"
        chosen = () if file is None else ("--model", file)
        run("replay", str(log), "--warehouse", url, "--quiet", *chosen, *options)
        assert shown(url, told["at"], told["moves"][0]["customer_id"]) == pytest.approx(
            flat(told["moves"][0][side]), abs=1e-9
        )


def flat(scores: dict[str, dict[str, float]]) -> dict[str, float]:
    return {f"{horizon}/{name}": value for horizon, row in scores.items() for name, value in row.items()}


def shown(url: str, at: str, customer: str) -> dict[str, float]:
    """Scores that the view shows at a moment."""
    store = open_warehouse(url, create=False, read_only=True)
    try:
        rows = store.query(
            "SELECT horizon, dimension, score FROM "
            "customer_perception_at(at = parseDateTime64BestEffort({at:String}, 3)) "
            "WHERE customer_id = {customer:String}",
            {"at": at, "customer": customer},
        ).rows
    finally:
        store.close()
    return {f"{horizon}/{dimension}": score for horizon, dimension, score in rows if horizon != "interaction"}


def test_the_greatest_move_comes_first_and_is_printed(log: Path) -> None:
    models = ("--model", "start", "--model", str(log.parent / "other.toml"))
    told = run_json("replay", str(log), *models, "--most", "9", "--now", str(NOW_MS))
    sizes = [
        max(abs(one["after"][h][d] - one["before"][h][d]) for h in one["after"] for d in DIMENSIONS)
        for one in told["moves"]
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 1
    text = run("replay", str(log), *models, "--most", "1", "--now", str(NOW_MS)).stdout
    assert "start of the score" in text
    assert "relationship: mean difference" in text


def test_the_same_model_twice_moves_nobody(log: Path) -> None:
    told = run_json("replay", str(log), "--model", "start", "--model", "start", "--now", str(NOW_MS))
    assert all(move["before"] == move["after"] for move in told["moves"])


@pytest.mark.parametrize("more", [("--warehouse", "chdb://x"), ("--model", "start")])
def test_wrong_use_is_refused(log: Path, more: tuple[str, ...]) -> None:
    run("replay", str(log), "--model", "start", "--model", "start", *more, code=2)
