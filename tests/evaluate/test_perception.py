"""The worlds are what they say, the oracle is a Gaussian process, and small runs of the evaluation are sane."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from jobs.simulate.surveys import MEAN, SD
from pipeline.answers import level_edges, level_scores
from pipeline.model import DEFAULT_MODEL
from pipeline.signals import Outcome
from tests.evaluate.perception.__main__ import main
from tests.evaluate.perception.baselines import HINDSIGHT, baselines, learnt_rule
from tests.evaluate.perception.categories import kept, kept_of
from tests.evaluate.perception.curves import _answer, _coefficient, _symptom
from tests.evaluate.perception.estimate import estimate, evidence, fifths
from tests.evaluate.perception.paths import Dynamics, true_levels
from tests.evaluate.perception.process import Process, Readings, exact
from tests.evaluate.perception.scene import HORIZONS, Floats, Queries, Scene
from tests.evaluate.perception.symptom_world import SCALE, symptom_scene
from tests.evaluate.perception.symptoms import SYMPTOMS, VARIANCE, error_covariance, readings, symptom_model
from tests.evaluate.perception.tables import ORACLE, OURS, errors, summary
from tests.evaluate.perception.telecom_world import telecom_scene

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def scene() -> Scene:
    return symptom_scene(3, 600, selective=False)


def test_levels_have_the_covariance_that_the_oracle_takes() -> None:
    dynamics, count = Dynamics(), 12_000
    days = np.array([100.0, 101.0, 104.0, 130.0])
    who = np.repeat(np.arange(count), len(days))
    lasting, recent = true_levels(who, np.tile(days, count), dynamics, np.random.default_rng(1))
    for level, covariance in ((lasting, dynamics.lasting), (recent, dynamics.recent)):
        found = np.cov(level.reshape(count, -1).T)
        expected = covariance(days[:, np.newaxis] - days)
        assert np.abs(found - expected).max() < 0.05 * expected[0, 0]
    assert dynamics.recent(np.zeros(1))[0] == pytest.approx(64.0)


def test_symptoms_have_the_effects_that_their_model_knows() -> None:
    rng = np.random.default_rng(2)
    perception = math.sqrt(VARIANCE) * rng.standard_normal(200_000)
    levels = readings(perception, rng)
    for name, symptom in SYMPTOMS.items():
        effect, level = symptom.effect, levels[name]
        shift = effect.shift(level)
        assert shift.var() / VARIANCE == pytest.approx(symptom.explained, rel=0.06), name
        assert np.mean(shift * perception) == pytest.approx(shift.var(), rel=0.05), name
        if isinstance(effect, Outcome):
            assert level.mean() == pytest.approx(symptom.prevalence, abs=0.005), name
            assert perception[level > 0].mean() == pytest.approx(effect.present, abs=0.3), name
            assert perception[level == 0].mean() == pytest.approx(effect.absent, abs=0.3), name


def test_errors_of_symptoms_have_the_variance_that_the_weights_assume() -> None:
    found = error_covariance()
    for place, name in enumerate(sorted(SYMPTOMS)):
        explained = SYMPTOMS[name].explained
        assert found[place, place] == pytest.approx(VARIANCE * (1 - explained) / explained, rel=0.03), name
    assert (found - np.diag(np.diag(found))).max() > 0  # and they share a part


def test_categories_keep_a_share_of_a_reading() -> None:
    reading = MEAN + SD * np.random.default_rng(3).standard_normal(200_000)
    scale = DEFAULT_MODEL.scales[SCALE]
    own = (scale.levels, DEFAULT_MODEL.answers, scale.shares, scale.counts)
    points = level_scores(*own)[np.searchsorted(level_edges(*own)[1:-1], reading)]
    assert points.var() / SD**2 == pytest.approx(kept(SCALE, DEFAULT_MODEL), abs=0.005)
    assert np.cov(points, reading)[0, 1] / SD**2 == pytest.approx(kept(SCALE, DEFAULT_MODEL), abs=0.005)
    weight = np.array([scale.weights, DEFAULT_MODEL.scales["nps"].weights])
    assert kept_of(weight, DEFAULT_MODEL).tolist() == [kept(SCALE, DEFAULT_MODEL), kept("nps", DEFAULT_MODEL)]


@pytest.mark.parametrize("name", [*SYMPTOMS, SCALE])
def test_the_line_of_a_curve_is_the_perception_itself(name: str) -> None:
    curve = _answer(SCALE, symptom_model()) if name == SCALE else _symptom(name)
    # The spread of answers is 20 points, that of all readings a quarter of a percent more.
    assert _coefficient(curve, 1) == pytest.approx(math.sqrt(VARIANCE), rel=0.005)
    assert _coefficient(curve, 0) == pytest.approx(0.0, abs=0.1)


def test_the_oracle_is_gaussian_conditioning() -> None:
    rng = np.random.default_rng(4)
    mixing = np.array([[1.0, 0.6], [0.6, 1.0]])
    process = Process(
        lambda days: 130 * np.exp2(-np.abs(days) / 180), lambda days: 64 * np.exp2(-np.abs(days) / 14), mixing
    )
    day = np.sort(rng.uniform(0, 60, 7))
    customer = np.array([0, 0, 0, 0, 2, 2, 2])
    about = rng.dirichlet(np.ones(2), 7)
    noise = rng.uniform(50, 300, 7)
    known = Readings(
        customer, (day * DAY_MS).astype(np.int64), rng.normal(0, 15, 7), about, lambda rows: np.diag(noise[rows])
    )
    asked = Queries(np.array([0, 0, 1, 2]), (np.array([day[1] + 1e-3, 70, 70, 65]) * DAY_MS).astype(np.int64), {})
    prior = {name: np.full((4, 2), 70.0) for name in HORIZONS}
    told = exact(process, known, asked, prior)
    for query in range(4):
        rows = (customer == asked.customer[query]) & (known.at_ms < asked.at_ms[query])
        apart = (known.at_ms[rows, None] - known.at_ms[rows]) / DAY_MS
        inner = about[rows] @ mixing @ about[rows].T * (process.lasting(apart) + process.recent(apart)) + np.diag(
            noise[rows]
        )
        gap = (asked.at_ms[query] - known.at_ms[rows]) / DAY_MS
        for name, kernel, own in (
            ("relationship", process.lasting(gap), 130.0),
            ("journey", process.lasting(gap) + process.recent(gap), 194.0),
        ):
            cross = (about[rows] @ mixing) * kernel[:, None]
            gain = np.linalg.solve(inner, cross)
            assert told.mean[name][query] == pytest.approx(70 + gain.T @ known.residual[rows])
            assert told.variance[name][query] == pytest.approx(own - (gain * cross).sum(axis=0))


def test_estimates_are_the_sums_of_the_document(scene: Scene) -> None:
    told, model, asked = estimate(scene, evidence(scene)), scene.model, scene.queries
    seen, place = scene.observations, scene.dimensions[0]
    for query in range(0, len(asked.at_ms), 97):
        rows = (scene.customer == asked.customer[query]) & (seen.at_ms < asked.at_ms[query])
        mean, spread = 70.0, 0.0
        for name in HORIZONS:
            horizon = getattr(model, name)
            fade = 2.0 ** (-(asked.at_ms[query] - seen.at_ms[rows]) / horizon.half_life_ms)
            weight = seen.weight[rows, place] * fade
            n, total = horizon.prior_weight, float(weight.sum())
            mean = (n * mean + float((weight * seen.value[rows, place]).sum())) / (n + total)
            spread = (n * (horizon.prior_variance + spread) + total * horizon.residual_variance) / (n + total)
            assert told.mean[name][query, 0] == pytest.approx(mean)
            assert told.variance[name][query, 0] == pytest.approx(spread)


def test_baselines_follow_the_answers(scene: Scene) -> None:
    told = {name: one.mean["relationship"][:, 0] for name, one in baselines(scene, learnt_rule(scene)).items()}
    seen, asked = scene.observations, scene.queries
    start = learnt_rule(scene).overall[0]
    for query in range(0, len(asked.at_ms), 53):
        rows = seen.stated & (scene.customer == asked.customer[query]) & (seen.at_ms < asked.at_ms[query])
        points = seen.value[rows, scene.dimensions[0]]
        assert told["last answer"][query] == pytest.approx(points[-1] if len(points) else start)
        assert told["running mean"][query] == pytest.approx(points.mean() if len(points) else start)
    assert (told["segment mean"] == start).all()
    assert (told["segment mean, hindsight"] == 70.0).all()
    answers = scene.said[scene.observations.stated]
    assert start == pytest.approx(answers.mean())


def test_a_rule_is_learnt_from_answers_and_not_from_the_truth(scene: Scene) -> None:
    blind = {name: np.zeros_like(truth) for name, truth in scene.queries.truth.items()}
    rule, other = (learnt_rule(one) for one in (scene, replace(scene, queries=replace(scene.queries, truth=blind))))
    assert (other.overall.tolist(), other.step) == (rule.overall.tolist(), rule.step)
    told = summary([errors(scene)])["relationship"]
    assert told["best_baseline"] == "EWMA"
    assert told["estimates"][HINDSIGHT]["rmse"] == pytest.approx(told["estimates"]["EWMA"]["rmse"], rel=0.05)


def test_fifths_are_equally_many() -> None:
    weight: Floats = np.array([[3.0], [1.0], [1.0], [0.0], [9.0], [9.0], [4.0], [0.0], [2.0], [5.0]])
    assert fifths(weight)[:, 0].tolist() == [2, 1, 1, 0, 4, 4, 3, 0, 2, 3]


def test_the_oracle_knows_how_sure_it_is_and_nobody_is_better(scene: Scene) -> None:
    found = summary([errors(scene)])
    for horizon in HORIZONS:
        told = found[horizon]["estimates"]
        assert told[ORACLE]["cov90"] == pytest.approx(0.9, abs=0.04)
        assert all(one["rmse"] > told[ORACLE]["rmse"] for who, one in told.items() if who != ORACLE)
        assert told[OURS]["ratio"] < 1.1


def test_narrow_intervals_are_seen(scene: Scene) -> None:
    sure = replace(scene.model.relationship, prior_variance=30.0, residual_variance=10.0)
    wrong = replace(scene, model=replace(scene.model, relationship=sure))
    assert summary([errors(wrong)])["relationship"]["estimates"][OURS]["cov90"] < 0.75


def test_the_simulated_operator_has_a_calibrated_oracle() -> None:
    scene = telecom_scene(3, 400, DEFAULT_MODEL, customers=150, days=75)
    assert scene.observations.stated.sum() > 100
    found = summary([errors(scene)])["journey"]["estimates"]
    assert found[ORACLE]["cov90"] == pytest.approx(0.9, abs=0.05)
    assert found[ORACLE]["rmse"] < found["segment mean, hindsight"]["rmse"]


def test_it_prints_a_table_and_the_goals(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--seeds", "5", "--queries", "300", "--worlds", "random"])
    printed = capsys.readouterr().out
    assert printed.count("(goal 1.05;") == 2
    assert "EWMA, hindsight" in printed
    assert printed.count("the best baseline that one could really have") == 2
    main(["--seeds", "5", "--queries", "300", "--worlds", "random", "--json"])
    found = json.loads(capsys.readouterr().out)["worlds"]["random"]["relationship"]
    assert set(found["estimates"]) >= {ORACLE, OURS, "EWMA"}
    assert len(found["estimates"][OURS]["cov90_by_fifth"]) == 5
