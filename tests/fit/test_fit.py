"""Fits: what was put in comes out, little evidence is not trusted, and the file can be used."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from jobs.fit import fit
from jobs.fit.reading import Seen
from jobs.models import read as read_model
from jobs.simulate import Scenario, simulate
from pipeline.model import DEFAULT_MODEL
from pipeline.priors import middle
from pipeline.records import PIECE
from pipeline.signals import Outcome
from schemas.event import EVENT_TYPES
from tests.cli.run import run, run_json


def seen(answers: int, segment_gap: float = 0.0, calls: int = 0, unresolved: int = 0) -> Seen:
    """Answers of as many customers on csat, and calls of which some are unresolved."""
    rng = np.random.default_rng(4)
    segment = np.array(["gold", "basic"] * answers, dtype=object)[:answers]
    value = np.clip(np.round(rng.normal(3.5, 1.0, answers) + segment_gap * (segment == "gold")), 1, 5)
    facts = np.zeros(calls, dtype=PIECE)
    facts["types"] = 1 << EVENT_TYPES.index("call")
    facts["transfers"], facts["wait_s"], facts["promised_s"] = -1, np.nan, np.nan
    facts["resolved"] = (np.arange(calls) >= unresolved).astype(np.int8)
    names = np.array([f"c{number}" for number in range(answers)], dtype=object)
    ends = np.full(answers, 1.0), np.full(answers, 5.0)
    scale = np.array(["csat"] * answers, dtype=object)
    return Seen(names, segment, scale, value, *ends, facts, np.ones(calls, dtype=np.int64))


def test_shares_are_the_counts() -> None:
    given = seen(200)
    done = fit(given, DEFAULT_MODEL, "acme")
    assert done.model.scales["csat"].counts == tuple(float((given.value == level).sum()) for level in range(1, 6))
    assert done.model.scales["nps"] == DEFAULT_MODEL.scales["nps"]
    assert done.model.version == f"acme-{done.model.digest()}"


def test_segments_that_differ_have_priors() -> None:
    model = fit(seen(400, segment_gap=1.2), DEFAULT_MODEL, "x").model
    assert middle(model.segments["gold"]) > middle(model.prior_mean) + 4
    assert middle(model.segments["basic"]) < middle(model.prior_mean) - 4
    assert fit(seen(400), DEFAULT_MODEL, "x").model.segments.keys() <= {"gold", "basic"}


def test_few_answers_teach_nothing() -> None:
    done = fit(seen(20, segment_gap=2.0), DEFAULT_MODEL, "x")
    assert done.model.scales == DEFAULT_MODEL.scales
    assert done.model.prior_mean == DEFAULT_MODEL.prior_mean
    assert any("20 customers with answers, 30 are needed" in text for text in done.kept)
    assert any("shares of csat: 20 answers" in text for text in done.kept)


def test_prevalences_centre_the_signals() -> None:
    done = fit(seen(0, calls=100, unresolved=40), DEFAULT_MODEL, "x")
    before, after = DEFAULT_MODEL.effects["resolved"], done.model.effects["resolved"]
    assert isinstance(before, Outcome)
    assert isinstance(after, Outcome)
    assert after.present - after.absent == pytest.approx(before.present - before.absent)
    assert 0.4 * after.present + 0.6 * after.absent == pytest.approx(0.0)
    assert done.model.effects["wait"] == DEFAULT_MODEL.effects["wait"]


def test_a_warehouse_is_fitted_and_replayed_with_the_result(tmp_path: Path) -> None:
    events, out, store = tmp_path / "events.ndjson", tmp_path / "model.toml", f"chdb://{tmp_path}/store"
    values = [r.value for r in simulate(Scenario(customers=150, days=20, seed=6)) if r.kind == "event" and r.value]
    events.write_bytes(b"\n".join(values))
    run("replay", str(events), "--warehouse", store, "--quiet", "--now", "2000000000000")
    told = run_json("fit", "--warehouse", store, "--out", str(out))
    model = read_model(out)
    assert model.version == told["model"]
    assert told["answers"] == sum(json.loads(value)["type"] == "answer" for value in values)
    assert {one["what"] for one in told["learnt"]} >= {"prior mean", "prevalence of resolved", "mean of wait"}
    assert 40 < middle(model.prior_mean) < 90
    again = ("--warehouse", store, "--model", str(out))
    run("replay", str(events), *again, "--replace", "--quiet", "--now", "2000000000000")
    assert run_json("evaluate", *again)["model"] == model.version


def test_without_answers_it_says_so(tmp_path: Path) -> None:
    events, out, store = tmp_path / "events.ndjson", tmp_path / "model.toml", f"chdb://{tmp_path}/store"
    calls = [
        {"event_id": f"e{n}", "customer_id": f"c{n}", "occurred_at": 1_700_000_000_000 + n * 9 * 86_400_000,
         "type": "call", "resolved": n % 4 > 0}
        for n in range(60)
    ]  # fmt: skip
    events.write_text("\n".join(map(json.dumps, calls)), encoding="utf-8")
    run("replay", str(events), "--warehouse", store, "--quiet", "--now", "2000000000000", "--partitions", "1")
    result = run("fit", "--warehouse", store, "--out", str(out), code=1)
    assert "there are no answers" in result.stderr
    assert "prevalence of resolved: 0.199 -> 0.2" in result.stdout
    assert read_model(out).effects["resolved"] != DEFAULT_MODEL.effects["resolved"]
