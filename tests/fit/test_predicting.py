"""The predictor: what was put into a world of orders is found, by sums that a slow reading repeats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.evaluate import NoAnswersError, evaluate
from jobs.evaluate.baselines import folds_of
from jobs.evaluate.before import moments_before
from jobs.evaluate.evaluation import judge, summary
from jobs.evaluate.printing import as_json
from jobs.evaluate.reading import under
from jobs.fit import crossed, fit, read
from jobs.fit.predicting import told_of
from jobs.journal import Journal
from jobs.models import dump
from jobs.warehouse import open_warehouse
from pipeline.batch import Texts
from pipeline.model import DEFAULT_MODEL, Model
from pipeline.policy import DAY_MS
from pipeline.predictor import CAUSE, SYMPTOM, Bins, Levels, Line
from tests.cli.run import run, run_json
from tests.fit.orders import LEVEL, PER_DAY, events, filled


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return filled(tmp_path_factory.mktemp("orders") / "store", events(350, seed=1))


@pytest.fixture(scope="module")
def seen(url: str) -> Any:
    store = open_warehouse(url, create=False, read_only=True)
    try:
        return read(store)
    finally:
        store.close()


@pytest.fixture(scope="module")
def fitted(seen: Any) -> Any:
    return fit(seen, DEFAULT_MODEL, "orders")


def test_what_was_put_in_is_found(fitted: Any) -> None:
    features = fitted.model.predictor.features
    days, kind = features["measures.days"], features["attributes.kind"]
    assert isinstance(days, Line)
    assert isinstance(kind, Levels)
    assert days.slope[0] == pytest.approx(PER_DAY, abs=1.6)
    gap = kind.levels["books"][0] - kind.levels["gadgets"][0]
    assert gap == pytest.approx(LEVEL["books"] - LEVEL["gadgets"], abs=5.0)
    assert "attributes.note" not in features
    assert days.types == ("delivery",)
    assert [one.source for one in fitted.found.worth[:2]] == ["measures.days", "attributes.kind"]
    assert fitted.found.worth[0].explained > 10 * fitted.found.worth[0].error > 0
    assert abs(next(one.explained for one in fitted.found.worth if one.source == "amount")) < 0.02


def test_effects_are_centred_on_the_answers(seen: Any, fitted: Any) -> None:
    sample = under(seen.base, fitted.model)
    assert sample.predicted.shift.mean(axis=0) == pytest.approx([0.0] * 3, abs=1e-6)


def test_what_moves_one_order_only_is_a_cause(fitted: Any) -> None:
    assert fitted.model.predictor.role == CAUSE
    assert any("role of the predictor is cause" in one.what for one in fitted.learnt)


@pytest.mark.parametrize("role", [SYMPTOM, CAUSE])
def test_predictions_are_the_formulas_one_by_one(seen: Any, fitted: Any, role: str) -> None:
    model = replace(fitted.model, predictor=replace(fitted.model.predictor, role=role))
    got = moments_before(under(seen.base, model), model)[0]
    for place in range(0, len(got), 23):
        assert got[place] == pytest.approx(predicted_slowly(seen.base, place, model), abs=1e-8)


def predicted_slowly(base: Any, place: int, model: Model) -> float:
    """m of one answer: earlier answers, earlier orders and this one's features, observation by observation."""
    sample = under(base, model)
    now, mine = sample.at_ms[place], sample.customer == sample.customer[place]
    weights = np.array(model.scales["rating"].weights)
    prior = model.segments.get("", model.prior_mean)
    own = base.columns[9][place]
    assert model.predictor is not None
    cause = model.predictor.role == CAUSE
    said: list[tuple[int, bool, Any, Any]] = [
        (
            sample.at_ms[row],
            False,
            weights,
            weights * (sample.points[row] - cause * shift_slowly(base, int(row), model)),
        )
        for row in np.flatnonzero(mine & (sample.at_ms < now))
    ]
    for (name, journey), code in base.journal.codes.items():
        if cause or name != base.columns[0][place]:
            continue
        rows = np.flatnonzero((base.journal.journey == code) & (base.journal.at_ms <= now))
        if len(rows) and (journey == own or base.journal.at_ms[rows[-1]] < now):
            shift = effect_slowly(base.journal, rows, model)
            explained = np.array(model.predictor.explained)
            weight = model.evidence_weight(explained)
            said.append((base.journal.at_ms[rows[-1]], journey == own, weight, weight * (prior + shift / explained)))
    said += [
        (sample.acted_ms[row], row == sample.interaction[place], sample.implied_weight[row], sample.implied_sum[row])
        for row in np.flatnonzero(sample.owner == sample.customer[place])
        if 0 < sample.acted_ms[row] < now
    ]
    mean = np.full(3, prior)
    for horizon in (model.relationship, model.journey, model.interaction):
        kept = [one for one in said if horizon is not model.interaction or one[1]]
        half_life = np.inf if horizon is model.interaction else horizon.half_life_ms
        decay = [2.0 ** ((one[0] - now) / half_life) for one in kept]
        weight = sum((d * one[2] for d, one in zip(decay, kept, strict=True)), np.zeros(3))
        total = sum((d * one[3] for d, one in zip(decay, kept, strict=True)), np.zeros(3))
        mean = (horizon.prior_weight * mean + total) / (horizon.prior_weight + weight)
    mean = mean + cause * shift_slowly(base, place, model)
    return float(weights @ mean / weights.sum())


def shift_slowly(base: Any, place: int, model: Model) -> Any:
    """b(x) at one answer."""
    code = base.journal.codes[base.columns[0][place], base.columns[9][place]]
    rows = np.flatnonzero((base.journal.journey == code) & (base.journal.at_ms <= base.columns[2][place]))
    return effect_slowly(base.journal, rows, model)


def effect_slowly(journal: Journal, rows: Any, model: Model) -> Any:
    """b(x) of a journey's events ``rows``, feature by feature; what none of them says is missing."""
    total = np.zeros(3)
    assert model.predictor is not None
    for source, feature in model.predictor.features.items():
        track = journal.tracks[source]
        told = [place for place, row in enumerate(track.rows.tolist()) if row in rows]
        if not told:
            total += feature.missing
        elif isinstance(feature, Levels):
            assert isinstance(track.values, Texts)
            total += feature.levels.get(track.values.tolist()[told[-1]], feature.other)
        else:
            assert not isinstance(track.values, Texts)
            total += effect_of(feature, float(track.values[told[-1]]))
    return total


def effect_of(feature: Line | Bins, value: float) -> Any:
    if isinstance(feature, Bins):
        return np.array(feature.effects[sum(value >= edge for edge in feature.edges)])
    level = min(max(value, feature.low), feature.high)
    level = np.log(level) if feature.logarithm else level
    return np.array(feature.base) + np.array(feature.slope) * (level - feature.mean)


def test_folds_are_predicted_by_models_that_never_saw_them(seen: Any) -> None:
    done = crossed(seen, DEFAULT_MODEL, 3)
    fold = folds_of(under(seen.base, DEFAULT_MODEL), 3)
    assert fold is not None
    parts = []
    for number in range(3):
        alone = seen.only(fold != number)
        assert not set(alone.customer) & set(seen.customer[fold == number])
        model = fit(alone, DEFAULT_MODEL, "fold").model
        sample = under(seen.base, model)
        sample.wanted[:] = fold == number
        parts.append(judge(sample, model, fold))
    assert as_json(done) == as_json(summary(parts))
    figures = done.points.overall
    assert figures["perception"].n == len(seen.base)
    assert figures["perception"].rmse < 0.85 * figures["constant"].rmse
    assert 0.85 < figures["perception"].cov90 < 0.96
    assert done.scales["rating"].overall["perception"].auc_low > 0.8


def test_without_a_feature_it_is_not_used(seen: Any) -> None:
    done = fit(seen, DEFAULT_MODEL, "x", frozenset({"measures.days"}))
    assert done.model.predictor is not None
    assert "measures.days" not in done.model.predictor.features
    assert done.found is not None


def test_the_future_of_a_journey_is_not_known(tmp_path: Path) -> None:
    """A delivery after the answer tells nothing about it."""
    given = events(60, seed=3, orders=1)
    early = [
        one | {"occurred_at": one["occurred_at"] - 30 * DAY_MS} if one["type"] == "answer" else one for one in given
    ]
    store = open_warehouse(filled(tmp_path / "store", early), create=False, read_only=True)
    done = fit(read(store), DEFAULT_MODEL, "x")
    store.close()
    assert done.model.predictor is None
    assert any("0 answers with something before them" in text for text in done.kept)


def test_commands_fit_replay_and_compare(url: str, tmp_path: Path) -> None:
    out = tmp_path / "model.toml"
    told = run_json("fit", "--warehouse", url, "--out", str(out))
    assert told["predictor"]["features"][0]["source"] == "measures.days"
    assert set(told["predictor"]["explained"]) == {"meets_needs", "easy", "enjoyable"}
    text = run("fit", "--warehouse", url, "--out", str(out)).stdout
    assert "measures.days (linear) explains" in text
    again = filled(tmp_path / "again", events(350, seed=1), out)
    judged = run_json("evaluate", "--warehouse", again, "--model", str(out))
    assert judged["model"] == told["model"]
    figures = judged["points"]["overall"]
    assert figures["perception"]["rmse"] < 0.85 * figures["constant"]["rmse"]
    folds = run_json("evaluate", "--warehouse", again, "--folds", "3")
    assert "fitted anew" in folds["model"]
    assert run("evaluate", "--warehouse", again, "--without", "amount", code=2).exit_code == 2


def test_a_fitted_model_is_the_same_text_each_time(seen: Any, fitted: Any) -> None:
    assert dump(fit(seen, DEFAULT_MODEL, "orders").model) == dump(fitted.model)


def test_nothing_to_judge_is_said(seen: Any) -> None:
    with pytest.raises(NoAnswersError):
        crossed(seen.only(np.zeros(len(seen.value), dtype=np.bool_)), DEFAULT_MODEL, 3)
    assert evaluate(under(seen.base, DEFAULT_MODEL), DEFAULT_MODEL).points.overall["perception"].n == len(seen.base)


def test_an_answer_in_a_journey_of_its_own_is_about_what_came_last(tmp_path: Path) -> None:
    """But not about something that is longer ago than a journey lasts."""
    given = events(60, seed=3, orders=1)
    apart = [one | {"journey_id": f"s-{one['journey_id']}"} if one["type"] == "answer" else one for one in given]
    late = [one | {"occurred_at": one["occurred_at"] + 9 * DAY_MS * (one["type"] == "answer")} for one in apart]
    found: list[Any] = []
    for name, stories in (("whole", given), ("apart", apart), ("late", late)):
        store = open_warehouse(filled(tmp_path / name, stories), create=False, read_only=True)
        seen = read(store)
        assert seen.base is not None
        found.append(told_of(seen.base))
        store.close()
    assert found[1].acted.all()
    for source in ("measures.days", "amount"):
        assert np.array_equal(found[0].columns[source], found[1].columns[source], equal_nan=True)
    assert not found[2].acted.any()


def test_an_explanation_names_the_features(url: str, tmp_path: Path) -> None:
    out = tmp_path / "model.toml"
    run("fit", "--warehouse", url, "--out", str(out), "--without", "amount")
    again = filled(tmp_path / "again", events(350, seed=1), out)
    told = run_json("explain", "c1", "--warehouse", again, "--model", str(out))
    texts = [one["what"] for one in told["interactions"].values() if one["type"] == "delivery"]
    assert texts
    assert all(text.startswith("features ") and "measures.days" in text for text in texts)
    bought = {f"the purchase of {one['started_at'][8:10]} " for one in told["interactions"].values()}
    assert all("attributes.kind" in text and any(when in text for when in bought) for text in texts)
    reviews = [one["what"] for one in told["interactions"].values() if one["type"] == "answer"]
    assert reviews
    assert any("the delivery of " in text and "the purchase of " in text for text in reviews)
    for score in told["scores"]:
        total = score["prior"] + sum(one["points"] for one in score["contributions"])
        assert total == pytest.approx(score["mean"], abs=1e-9)
    plain = run_json("explain", "c1", "--warehouse", again)
    assert not any("features" in one["what"] for one in plain["interactions"].values())
