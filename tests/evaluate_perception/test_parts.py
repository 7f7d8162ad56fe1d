"""The parts of an evaluation against slow and plain ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.evaluate.before import sums_before
from jobs.evaluate.figures import Figures, Judged, auc, ranks, spearman
from pipeline.answers import level_edges, level_scores
from pipeline.model import DEFAULT_MODEL, AnswerRule
from pipeline.predict import answer_moments, category_masses, forecast, transform

RULE = AnswerRule()
ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20), st.floats(-5, 5)), max_size=30)


@given(rows=ROWS, asked=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 25)), min_size=1, max_size=10))
def test_sums_before_are_the_plain_sums(rows: list[tuple[int, int, float]], asked: list[tuple[int, int]]) -> None:
    group, at_ms, amount = (np.array([row[place] for row in rows]) for place in range(3))
    who, when = (np.array([one[place] for one in asked]) for place in range(2))
    got = sums_before(group, at_ms, amount.reshape(-1, 1), who, when, 7.0)
    wanted = [
        sum(a * 2 ** ((t - moment) / 7.0) for g, t, a in rows if g == one and t < moment) for one, moment in asked
    ]
    assert got[:, 0] == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("levels", [2, 5, 7, 11])
def test_masses_are_the_shares_where_the_customer_is_the_population(levels: int) -> None:
    edges = level_edges(levels, RULE)
    middle = 0.5 * (level_scores(levels, RULE)[0] * 0 + 70.0 + 70.0)
    masses = category_masses(np.array([middle]), np.array([RULE.spread**2]), edges)
    shares = np.diff(np.interp(np.arange(levels + 1) / levels, np.linspace(0, 1, 6), RULE.cumulative))
    assert masses[0] == pytest.approx(shares, abs=1e-9)


@given(mean=st.floats(0, 100), variance=st.floats(50, 900))
def test_masses_are_a_distribution_that_follows_the_mean(mean: float, variance: float) -> None:
    edges = level_edges(7, RULE)
    masses = category_masses(np.array([mean, mean + 10]), np.array([variance, variance]), edges)
    assert masses.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert (np.cumsum(masses[0]) >= np.cumsum(masses[1]) - 1e-12).all()


def test_a_score_lies_between_its_edges() -> None:
    for levels in (2, 5, 7, 11):
        edges, points = level_edges(levels, RULE), level_scores(levels, RULE)
        assert (edges[:-1] < points).all()
        assert (points < edges[1:]).all()


def test_an_answer_is_about_the_dimensions_of_its_scale() -> None:
    mean, variance = np.array([[10.0, 50.0, 90.0]]), np.array([[100.0, 200.0, 300.0]])
    center, spread = answer_moments(mean, variance, np.array([[0.0, 0.9, 0.0]]), DEFAULT_MODEL)
    assert center[0] == pytest.approx(50.0)
    assert spread[0] == pytest.approx(200.0 + 208.0 - 64.0)
    center, _ = answer_moments(mean, variance, np.array([[0.5, 0.0, 0.5]]), DEFAULT_MODEL)
    assert center[0] == pytest.approx(50.0)


def test_a_forecast_is_summarised_exactly() -> None:
    masses, values = np.array([[0.2, 0.3, 0.5], [0.5, 0.25, 0.25]]), np.array([[1.0, 2.0, 4.0]] * 2)
    told = forecast(masses, values, np.array([0, 2]))
    assert told.expected.tolist() == pytest.approx([2.8, 2.0])
    assert told.median.tolist() == [2.0, 1.0]
    assert told.crps.tolist() == pytest.approx([0.8**2 * 1 + 0.5**2 * 2, 0.5**2 * 1 + 0.75**2 * 2])


def test_transformed_answers_of_a_right_forecast_are_uniform() -> None:
    rng = np.random.default_rng(1)
    mean = rng.normal(70, 12, 20_000)
    edges = level_edges(5, RULE)
    masses = category_masses(mean, np.full(len(mean), 200.0), edges)
    given_answers = np.searchsorted(edges[1:-1], rng.normal(mean, np.sqrt(200.0)))
    spread = transform(masses, given_answers, rng.random(len(mean)))
    assert np.histogram(spread, 10, (0, 1))[0] / len(mean) == pytest.approx([0.1] * 10, abs=0.01)


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=25))
def test_auc_counts_pairs(rows: list[tuple[int, bool]]) -> None:
    score, low = np.array([row[0] for row in rows], float), np.array([row[1] for row in rows])
    pairs = [(a > b) + 0.5 * (a == b) for a in score[low] for b in score[~low]]
    if pairs:
        assert auc(score, low) == pytest.approx(np.mean(pairs))
    else:
        assert np.isnan(auc(score, low))


def test_ranks_share_ties() -> None:
    assert ranks(np.array([5.0, 1.0, 5.0, 7.0])).tolist() == [2.5, 1.0, 2.5, 4.0]
    assert spearman(np.array([1.0, 2.0, 9.0]), np.array([3.0, 4.0, 5.0])) == pytest.approx(1.0)
    assert np.isnan(spearman(np.ones(3), np.arange(3.0)))


def test_figures_are_what_they_say() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0])
    judged = Judged(
        values, values + 1, values - 2, np.full(4, 0.5), np.array([0.3, 0.6, 0.9, 0.99]), 5 - values, values <= 2
    )
    found = Figures.of(judged)
    assert (found.n, found.rmse, found.mae, found.mae_expected, found.crps) == (4, 1.0, 2.0, 1.0, 0.5)
    assert (found.auc_low, found.spearman, found.cov50, found.cov90) == pytest.approx((1.0, 1.0, 0.5, 0.75))
