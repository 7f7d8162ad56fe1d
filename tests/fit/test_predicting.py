"""The predictor: what was put into a world of orders is found, by sums that a slow reading repeats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.evaluate import NoAnswersError, evaluate
from jobs.evaluate.baselines import folds_of
from jobs.evaluate.before import moments_before
from jobs.evaluate.evaluation import judge, summary
from jobs.evaluate.printing import as_json
from jobs.evaluate.reading import under
from jobs.fit import crossed, fit, read
from jobs.fit.design import LEAST, blocks
from jobs.fit.ridge import ridge
from jobs.journal import Journal
from jobs.models import dump
from jobs.warehouse import open_warehouse
from pipeline.batch import Texts
from pipeline.model import DEFAULT_MODEL, Model
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
        (sample.at_ms[row], False, weights, weights * (sample.points[row] - cause * shift_slowly(base, row, model)))
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
        one | {"occurred_at": one["occurred_at"] - 30 * 86_400_000} if one["type"] == "answer" else one for one in given
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


@given(st.integers(0, 50), st.integers(1, 6))
def test_a_ridge_is_the_penalised_least_squares(seed: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    x, w, fold = rng.normal(size=(40, columns)), rng.random(40) + 0.1, rng.integers(0, 4, 40)
    y = x @ rng.normal(size=columns) + rng.normal(size=40)
    done = ridge(x, y, w, fold)
    mean = (w @ x) / w.sum()
    root = np.sqrt(w)[:, np.newaxis]
    rows = np.vstack((root * (x - mean), np.sqrt(done.penalty) * np.eye(columns)))
    wanted = np.linalg.lstsq(rows, np.append(root[:, 0] * (y - (w @ y) / w.sum()), np.zeros(columns)), rcond=None)[0]
    assert done.coefficients == pytest.approx(wanted, abs=1e-8)
    left, plain = 0.0, 0.0
    for number in np.unique(fold):
        out = fold == number
        effect = done.effects[out].sum(axis=1)
        target = (w[~out] @ y[~out]) / w[~out].sum()
        left += float(w[out] @ (y[out] - target - effect) ** 2)
        plain += float(w[out] @ (y[out] - target) ** 2)
    assert done.explained == pytest.approx(1 - left / plain, abs=1e-9)


def test_a_bent_effect_gets_bins_and_a_straight_one_a_line() -> None:
    rng = np.random.default_rng(2)
    value, fold = rng.uniform(1, 10, 3_000), rng.integers(0, 5, 3_000)
    acted, weight = np.ones(3_000, dtype=np.bool_), np.ones(3_000)
    noise = rng.normal(0, 3, 3_000)
    for y, kind in ((abs(value - 5) * 4 + noise, tuple), (value * 4 + noise, Line)):
        [block] = blocks({"measures.x": value}, acted, y, weight, fold)
        assert isinstance(block.form, kind)
    [block] = blocks({"measures.x": np.exp(value)}, acted, value * 4 + noise, weight, fold)
    assert isinstance(block.form, Line)
    assert block.form.logarithm


def test_rare_levels_share_an_effect() -> None:
    texts = np.array(["often"] * 60 + [f"rare {n}" for n in range(40)] + [""] * 50, dtype=object)
    names, codes = np.unique(texts, return_inverse=True)
    column, one = Texts(codes, names), np.ones(150)
    [block] = blocks({"outcome": column}, one.astype(bool), one, one, np.arange(150) % 5)
    assert block.form == ("often", "")
    assert block.gone
    assert block.columns.sum(axis=0).tolist() == [60.0, 40.0, 50.0]
    few = {"outcome": Texts(codes[: LEAST - 1], names)}
    assert list(blocks(few, one[: LEAST - 1].astype(bool), one[: LEAST - 1], one[: LEAST - 1], np.arange(29) % 5)) == []


def test_a_fitted_model_is_the_same_text_each_time(seen: Any, fitted: Any) -> None:
    assert dump(fit(seen, DEFAULT_MODEL, "orders").model) == dump(fitted.model)


def test_nothing_to_judge_is_said(seen: Any) -> None:
    with pytest.raises(NoAnswersError):
        crossed(seen.only(np.zeros(len(seen.value), dtype=np.bool_)), DEFAULT_MODEL, 3)
    assert evaluate(under(seen.base, DEFAULT_MODEL), DEFAULT_MODEL).points.overall["perception"].n == len(seen.base)
