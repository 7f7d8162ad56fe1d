"""Priors of segments and dimensions are found again from answers that mix dimensions and hang together."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.fit.learnt import Learnt
from jobs.fit.levels import levels
from jobs.fit.process import Series, Values, series
from pipeline.model import DEFAULT_MODEL, Model
from pipeline.policy import DAY_MS

VALUES = Values(lasting=80.0, lasting_d=180.0, recent=40.0, recent_d=14.0, felt=40.0, noise=144.0, alike=0.6)
TRUE = {"gold": (76.0, 70.0, 73.0), "basic": (68.0, 61.0, 66.0)}
KINDS = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.5, 0.4, 0.5]])
MIXED_ABOVE = 4.0
"""The mixed question's answers come out this much above what it asks about."""
CUSTOMERS, ANSWERS = 800, 4


def fitted(seed: int, asked: np.ndarray) -> tuple[Model, np.ndarray, np.ndarray]:
    """The model of answers to ``asked`` (of KINDS), what it says of each, and what is true of each."""
    rng = np.random.default_rng(seed)
    count = CUSTOMERS * ANSWERS
    customer = np.repeat(np.arange(CUSTOMERS), ANSWERS)
    kind = rng.choice(asked, count)
    segment = np.array(["gold", "basic"], dtype=object)[customer % 2]
    weights = KINDS[kind]
    share = weights / weights.sum(axis=1, keepdims=True)
    true = (share * np.array([TRUE[name] for name in segment])).sum(axis=1)
    own = rng.normal(0.0, VALUES.lasting**0.5, CUSTOMERS)[customer]
    chance = rng.normal(0.0, (VALUES.recent + VALUES.felt + VALUES.noise) ** 0.5, count)
    answers = true + own + chance + MIXED_ABOVE * (kind == 3)
    at_ms = rng.integers(0, 180 * DAY_MS, count)

    def told(residual: np.ndarray) -> list[Series]:
        return series(customer, at_ms, residual, weights, np.ones(count), np.arange(count))

    learnt: list[Learnt] = []
    model, said = levels(answers, segment, weights, told, VALUES, DEFAULT_MODEL, learnt)
    assert len(learnt) == 9
    return model, said, true


def test_every_dimension_of_a_segment_has_its_own_prior() -> None:
    """One number for all dimensions would be wrong by 3 points on one of them."""
    model, said, true = fitted(1, np.array([0, 1, 2, 3]))
    for name, points in TRUE.items():
        assert np.asarray(model.prior_of(name)) == pytest.approx(np.asarray(points), abs=1.5)
    found = np.array([model.prior_of(name) for name in TRUE])
    assert abs(float((found - np.array(list(TRUE.values()))).mean())) < 0.8  # no bias: the mixed one is equated
    assert float((said - true).mean()) == pytest.approx(MIXED_ABOVE / 4, abs=0.8)


def test_where_nobody_asks_about_one_dimension_alone_the_answers_are_the_level() -> None:
    model, said, true = fitted(2, np.array([3]))
    for name, points in TRUE.items():
        assert np.mean(model.prior_of(name)) == pytest.approx(np.mean(points) + MIXED_ABOVE, abs=1.5)
    assert float((said - true).mean()) == pytest.approx(MIXED_ABOVE, abs=0.8)
