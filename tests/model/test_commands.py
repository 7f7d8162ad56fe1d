"""``perception model``, and a replay with a model of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.models import dump, parse
from pipeline.model import DEFAULT_MODEL
from tests.cli.run import run

EVENT = {"event_id": "a", "customer_id": "ben", "occurred_at": "2024-03-01T09:20:00Z", "type": "complaint"}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(
        dump(DEFAULT_MODEL).replace("prior_mean = 70.0", "prior_mean = 40.0").replace('"start"', '"own"'), "utf-8"
    )
    return path


def test_default_is_a_sound_file(tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    path.write_text(run("model", "default").stdout, encoding="utf-8")
    assert DEFAULT_MODEL.version in run("model", "check", str(path)).stdout
    assert json.loads(run("model", "check", str(path), "--json").stdout)["version"] == DEFAULT_MODEL.version


def test_show_is_of_the_file_the_settings_or_the_start(own: Path) -> None:
    assert parse(run("model", "show").stdout) == DEFAULT_MODEL
    assert json.loads(run("model", "show", str(own), "--json").stdout)["prior_mean"] == 40.0
    assert parse(run("model", "show", PERCEPTION_MODEL__FILE=str(own)).stdout).prior_mean == 40.0


def test_a_broken_file_is_refused(own: Path) -> None:
    own.write_text("format = 1", encoding="utf-8")
    result = run("model", "check", str(own), code=2)
    assert "prior_mean is missing" in result.stderr
    assert "perception model default" in result.stderr


def test_a_replay_takes_the_model(own: Path, tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    events.write_text(json.dumps(EVENT) + "\n", encoding="utf-8")
    store = f"chdb://{tmp_path}/store"
    told = json.loads(run("replay", str(events), "--warehouse", store, "--model", str(own), "--json", "--quiet").stdout)
    assert told["model"].startswith("own-")
    asked = "SELECT prior_mean, model_version FROM model"
    [row] = json.loads(run("query", asked, "--warehouse", store, "--json").stdout)["data"]
    assert row == {"prior_mean": 40, "model_version": told["model"]}
    scores = "SELECT easy_score FROM interactions"
    assert json.loads(run("query", scores, "--warehouse", store, "--json").stdout)["data"][0]["easy_score"] < 40
