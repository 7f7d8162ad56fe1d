"""Evaluations of simulated replays: nothing of the future, no order, and better than what is simple."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.evaluate import NoAnswersError, OtherModelError, evaluate, read
from jobs.evaluate.baselines import EWMA_STEP, customer_baselines, shares_before
from jobs.evaluate.before import moments_before
from jobs.evaluate.evaluation import PREDICTORS
from jobs.evaluate.printing import as_json
from jobs.evaluate.reading import Sample
from jobs.replay import Plan, prepare, replay
from jobs.settings import Settings
from jobs.simulate import Scenario, simulate
from jobs.warehouse import open_warehouse
from pipeline.model import DEFAULT_MODEL, Model
from pipeline.policy import DAY_MS, Policy
from tests.cli.run import run, run_json

SCENARIO = Scenario(customers=300, days=30, seed=3, bad_share=0.0)
CUT_MS = SCENARIO.end_ms - 12 * DAY_MS
FOREVER = Settings(policy=Policy(lateness_ms=400 * DAY_MS))


def records() -> list[bytes]:
    """One record per event."""
    kept = (record for record in simulate(SCENARIO) if record.kind in {"event", "delayed"})
    return [record.value for record in kept if record.value is not None]


def filled(path: Path, values: list[bytes]) -> str:
    """The address of a store with these records."""
    store = open_warehouse(f"chdb://{path}")
    try:
        prepare(store, replace=False)
        replay([values], store, FOREVER, Plan(SCENARIO.end_ms + DAY_MS, partitions=2))
    finally:
        store.close()
    return f"chdb://{path}"


def sample_of(url: str, **options: Any) -> Sample:
    store = open_warehouse(url, create=False, read_only=True)
    try:
        return read(store, options.pop("model", DEFAULT_MODEL), **options)
    finally:
        store.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return filled(tmp_path_factory.mktemp("evaluate") / "store", records())


@pytest.fixture(scope="module")
def sample(url: str) -> Sample:
    return sample_of(url)


def predictions(sample: Sample) -> Mapping[tuple[Any, ...], float]:
    """What is predicted, by customer, time and scale."""
    keys = zip(sample.names[sample.customer], sample.at_ms.tolist(), sample.scale, strict=True)
    return dict(zip(keys, moments_before(sample, DEFAULT_MODEL)[0].tolist(), strict=True))


def test_predictions_are_the_formulas_one_by_one(sample: Sample) -> None:
    got = moments_before(sample, DEFAULT_MODEL)[0]
    for place in random.Random(1).sample(range(len(sample)), 60):
        assert got[place] == pytest.approx(predicted_slowly(sample, place, DEFAULT_MODEL), abs=1e-9)


def predicted_slowly(sample: Sample, place: int, model: Model) -> float:
    """m of one answer by PERCEPTION.md, observation by observation."""
    now, own = sample.at_ms[place], sample.interaction[place]
    mine = sample.customer == sample.customer[place]
    said = [
        (sample.at_ms[row], sample.interaction[row], sample.weight[row], sample.weight[row] * sample.points[row])
        for row in np.flatnonzero(mine & (sample.at_ms < now))
    ]
    done = [
        (sample.acted_ms[row], row, sample.implied_weight[row], sample.implied_sum[row])
        for row in np.flatnonzero(sample.owner == sample.customer[place])
        if sample.acted_ms[row] > 0 and (sample.acted_ms[row] < now or (row == own and sample.acted_ms[row] == now))
    ]
    mean = np.full(3, model.prior_mean)
    for horizon in (model.relationship, model.journey, model.interaction):
        known = [one for one in said + done if horizon is not model.interaction or one[1] == own]
        decay = [2.0 ** ((one[0] - now) / horizon.half_life_ms) for one in known]
        weight = sum((d * one[2] for d, one in zip(decay, known, strict=True)), np.zeros(3))
        total = sum((d * one[3] for d, one in zip(decay, known, strict=True)), np.zeros(3))
        mean = (horizon.prior_weight * mean + total) / (horizon.prior_weight + weight)
    return float(sample.weight[place] @ mean / sample.weight[place].sum())


def test_the_future_changes_no_prediction(url: str, sample: Sample, tmp_path: Path) -> None:
    """Without what came later, the same: but for interactions that went on, which are left out while they do."""
    kept = [value for value in records() if stays(json.loads(value))]
    assert len(kept) < len(records()) - 500
    cut = predictions(sample_of(filled(tmp_path / "cut", kept)))
    store = open_warehouse(url, create=False, read_only=True)
    sql = "SELECT customer_id FROM interactions WHERE {cut:DateTime64(3)} BETWEEN started_at AND ended_at"
    went_on = {row[0] for row in store.query(sql, {"cut": datetime.fromtimestamp(CUT_MS / 1_000, UTC)})}
    store.close()
    full = predictions(sample)
    past = [key for key in full if key[1] <= CUT_MS and not odd(key[0]) and key[0] not in went_on]
    assert len(past) > 30
    assert [cut[key] for key in past] == pytest.approx([full[key] for key in past], abs=1e-9)


def stays(event: Mapping[str, Any]) -> bool:
    when = event["occurred_at"]
    at_ms = when if isinstance(when, int) else np.datetime64(when.removesuffix("Z"), "ms").astype(int)
    return bool(at_ms <= CUT_MS or odd(event["customer_id"]))


def odd(customer: str) -> bool:
    return int(customer[-1]) % 2 == 1


def test_the_order_of_events_does_not_matter(sample: Sample, tmp_path: Path) -> None:
    values = records()
    random.Random(5).shuffle(values)
    shuffled = as_json(evaluate(sample_of(filled(tmp_path / "shuffled", values)), DEFAULT_MODEL))
    told = as_json(evaluate(sample, DEFAULT_MODEL))
    assert flat(shuffled) == pytest.approx(flat(told), abs=1e-9)


def flat(value: Any, place: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {key: one for name, part in value.items() for key, one in flat(part, f"{place}/{name}").items()}
    if isinstance(value, list):
        return {key: one for name, part in enumerate(value) for key, one in flat(part, f"{place}/{name}").items()}
    return {} if value is None else {place: value}


def test_baselines_are_the_plain_ones(sample: Sample) -> None:
    told = customer_baselines(sample, DEFAULT_MODEL, None)
    checked = 0
    for place in range(len(sample)):
        mine = (sample.customer == sample.customer[place]) & (sample.at_ms < sample.at_ms[place])
        times = sorted(set(sample.at_ms[mine].tolist()))
        if not times:
            continue
        steps = [float(sample.points[mine & (sample.at_ms == moment)].mean()) for moment in times]
        level = steps[0]
        for value in steps[1:]:
            level += EWMA_STEP * (value - level)
        wanted = (steps[-1], float(sample.points[mine].mean()), level)
        assert [told[name].mean[place] for name in ("last_answer", "running_mean", "ewma")] == pytest.approx(wanted)
        checked += 1
    assert checked > 60


def test_shares_so_far_are_counts_of_earlier_answers() -> None:
    category, at_ms, start = np.array([0, 1, 1, 0]), np.array([10, 20, 20, 30]), np.array([0.5, 0.5])
    got = shares_before(category, at_ms, None, start, None, 2.0)
    assert got[:, 1].tolist() == pytest.approx([1 / 2, 1 / 3, 1 / 3, 3 / 5])
    fold = np.array([0, 0, 1, 1])
    got = shares_before(category, at_ms, None, start, fold, 2.0)
    assert got[:, 1].tolist() == pytest.approx([2 / 4] * 4)


def test_perception_beats_the_baselines(sample: Sample) -> None:
    done = evaluate(sample, DEFAULT_MODEL)
    figures = done.points.overall
    assert tuple(figures) == PREDICTORS
    assert figures["perception"].n == len(sample) == sum(unit.overall["perception"].n for unit in done.scales.values())
    for name in PREDICTORS[1:]:
        assert figures["perception"].rmse < figures[name].rmse
        assert figures["perception"].crps < figures[name].crps
    assert 0.8 < figures["perception"].cov90 < 0.97
    evidence = [(fifth.least, fifth.most) for fifth in done.points.fifths]
    assert evidence == sorted(evidence)
    assert sum(fifth.figures["perception"].n for fifth in done.points.fifths) == len(sample)


def test_some_answers_only(url: str, sample: Sample) -> None:
    since = int(np.median(sample.at_ms))
    some = evaluate(sample_of(url, where="scale = 'csat' -- only these", since_ms=since), DEFAULT_MODEL)
    assert set(some.scales) == {"csat"}
    assert some.points.overall["perception"].n == int(((sample.scale == "csat") & (sample.at_ms >= since)).sum())
    with pytest.raises(NoAnswersError, match="no answer is left"):
        sample_of(url, where="value > 1000")


def test_folds_part_customers(sample: Sample) -> None:
    done = evaluate(sample, DEFAULT_MODEL, folds=4)
    assert len(done.points.folds) == 4
    assert sum(table["constant"].n for table in done.points.folds) == len(sample)
    plain = evaluate(sample, DEFAULT_MODEL)
    assert done.points.overall["perception"] == plain.points.overall["perception"]
    assert done.points.overall["constant"] != plain.points.overall["constant"]


def test_another_model_is_refused(url: str) -> None:
    with pytest.raises(OtherModelError, match="was filled with the model start-"):
        sample_of(url, model=Model("other"))


def test_a_warehouse_without_answers_says_so(tmp_path: Path) -> None:
    silent = [value for value in records()[:200] if json.loads(value)["type"] != "answer"]
    with pytest.raises(NoAnswersError, match="holds no answers"):
        sample_of(filled(tmp_path / "silent", silent))


def test_the_command_prints_figures(url: str, sample: Sample) -> None:
    told = run_json("evaluate", "--warehouse", url, "--folds", "3")
    assert told["points"]["overall"]["perception"]["n"] == len(sample)
    assert set(told["scales"]) == set(sample.scale)
    assert len(told["points"]["folds"]) == 3
    text = run("evaluate", "--warehouse", url).stdout
    assert "by fifth of evidence" in text
    assert "running mean" in text
