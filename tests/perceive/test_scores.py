"""Scores: the formulas of PERCEPTION.md on numbers worked by hand, and what must hold for any numbers."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import scores
from pipeline.model import DEFAULT_MODEL as MODEL
from pipeline.model import Horizon

WEIGHTS = st.floats(0, 1000)
POINTS = st.floats(-500, 500)
HORIZONS = st.sampled_from([MODEL.relationship, MODEL.journey, MODEL.interaction])


def test_means_by_hand() -> None:
    assert scores.relationship_mean(0.4, 0.4 * 20, 70.0, MODEL) == pytest.approx((2.5 * 70 + 8) / 2.9)
    assert scores.journey_mean(1.75, 1.75 * 20, 60.0, MODEL) == pytest.approx((3.25 * 60 + 35) / 5.0)
    assert scores.interaction_mean(1.75, 1.75 * 20, 50.0, MODEL) == pytest.approx((3.25 * 50 + 35) / 5.0)


def test_variances_by_hand() -> None:
    v_l = scores.relationship_variance(0.4, MODEL)
    assert v_l == pytest.approx((2.5 * 130 + 0.4 * 46) / 2.9)
    v_j = scores.journey_variance(1.75, v_l, MODEL)
    assert v_j == pytest.approx((3.25 * (64 + v_l) + 1.75 * 45) / 5.0)
    assert scores.interaction_variance(1.75, v_j, MODEL) == pytest.approx((3.25 * (64 + v_j) + 1.75 * 20) / 5.0)


@pytest.mark.parametrize(
    ("needs", "cap"), [(-20, 0), (0, 0), (25, 25), (40, 40), (41, 43), (50, 70), (60, 100), (70, 100), (130, 100)]
)
def test_pyramid_caps(needs: float, cap: float) -> None:
    assert scores.pyramid_cap(needs, MODEL) == pytest.approx(cap)


def test_an_unmet_need_caps_the_upper_levels_and_their_intervals() -> None:
    shown = scores.shown([30.0, 80.0, 20.0], [100.0, 100.0, 100.0], MODEL)
    assert shown.mean.tolist() == [30.0, 30.0, 20.0]
    assert shown.low.tolist() == pytest.approx([30 - 16.45, 30.0, 20 - 16.45])
    assert shown.high.tolist() == pytest.approx([30.0, 30.0, 30.0])


def test_a_met_need_leaves_everything_as_it_is() -> None:
    shown = scores.shown([[75.0, 82.0, 120.0]], [[4.0, 4.0, 4.0]], MODEL)
    assert shown.mean.tolist() == [[75.0, 82.0, 100.0]]
    assert shown.high[0] == pytest.approx([78.29, 85.29, 100.0])


def test_no_evidence_is_the_prior_without_confidence() -> None:
    assert scores.relationship_mean(0.0, 0.0, 64.0, MODEL) == 64.0
    assert scores.relationship_variance(0.0, MODEL) == 130.0
    assert scores.journey_variance(0.0, 130.0, MODEL) == 194.0
    assert scores.confidence(0.0, MODEL.journey) == 0.0
    assert scores.inferred_share(0.0, 0.0) == 0.0


@pytest.mark.parametrize(("weight", "stated", "share"), [(2.0, 0.5, 0.75), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0)])
def test_inferred_share_by_hand(weight: float, stated: float, share: float) -> None:
    assert scores.inferred_share(weight, stated) == share


@given(WEIGHTS, HORIZONS)
def test_more_evidence_means_more_confidence_and_less_variance(weight: float, horizon: Horizon) -> None:
    assert 0 <= scores.confidence(weight, horizon) < 1
    assert scores.confidence(weight + 1, horizon) > scores.confidence(weight, horizon)
    assert scores.variance(weight + 1, 50.0, horizon) < scores.variance(weight, 50.0, horizon)
    assert scores.variance(weight, 50.0, horizon) > horizon.residual_variance


@given(WEIGHTS, POINTS, POINTS, HORIZONS)
def test_the_mean_lies_between_prior_and_evidence(weight: float, value: float, prior: float, horizon: Horizon) -> None:
    found = scores.mean(weight, weight * value, prior, horizon)
    assert min(value, prior) - 1e-9 <= found <= max(value, prior) + 1e-9


@given(WEIGHTS, POINTS, POINTS, HORIZONS)
def test_confidence_is_the_share_of_the_evidence_in_the_mean(
    weight: float, value: float, prior: float, horizon: Horizon
) -> None:
    share = scores.confidence(weight, horizon)
    expected = (1 - share) * prior + share * value
    assert scores.mean(weight, weight * value, prior, horizon) == pytest.approx(float(expected), abs=1e-9)


@given(st.lists(POINTS, min_size=3, max_size=3), st.lists(st.floats(0, 400), min_size=3, max_size=3))
def test_shown_scores_stay_inside_their_interval_and_scale(center: list[float], spread: list[float]) -> None:
    shown = scores.shown(center, spread, MODEL)
    assert (shown.low >= 0).all()
    assert (shown.low <= shown.mean).all()
    assert (shown.mean <= shown.high).all()
    assert (shown.high <= 100).all()


def test_arrays_are_taken_element_by_element() -> None:
    weight, total = np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[0.0, 50.0], [100.0, 90.0]])
    found = scores.journey_mean(weight, total, np.array([[70.0], [60.0]]), MODEL)
    single = [
        [float(scores.journey_mean(w, s, p, MODEL)) for w, s in zip(ws, ss, strict=True)]
        for ws, ss, p in zip(weight, total, (70, 60), strict=True)
    ]
    assert found.tolist() == single


def test_every_formula_is_documented() -> None:
    for name, function in inspect.getmembers(scores, inspect.isfunction):
        if function.__module__ == scores.__name__ and not name.startswith("_"):
            assert function.__doc__, name
