"""Values of a process are found again, decayed sums know how far off they are, and who answers is undone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jobs.fit.fading import faded
from jobs.fit.process import Series, Values, fitted, series, surprise
from jobs.fit.response import likeliest, unselected
from pipeline import scores
from pipeline.model import DEFAULT_MODEL
from pipeline.policy import DAY_MS

TRUE = Values(lasting=150.0, lasting_d=120.0, recent=50.0, recent_d=10.0, felt=60.0, noise=120.0, alike=0.6)
ONLY_NEEDS = np.array([1.0, 0.0, 0.0])
CUSTOMERS, ANSWERS, DAYS = 300, 8, 180.0


def world(seed: int) -> tuple[list[Series], np.ndarray, np.ndarray, np.ndarray]:
    """Answers about the needs at random moments; and times, readings and true relationships at the end."""
    rng = np.random.default_rng(seed)
    days = np.sort(rng.uniform(0.0, DAYS, (CUSTOMERS, ANSWERS)), axis=1)
    all_days = np.concatenate([days, np.full((CUSTOMERS, 1), DAYS)], axis=1)
    apart = all_days[:, :, None] - all_days[:, None, :]
    lasting = np.einsum(
        "cij,cj->ci",
        np.linalg.cholesky(TRUE.along(apart, TRUE.lasting, TRUE.lasting_d) + 1e-9 * np.eye(ANSWERS + 1)),
        rng.standard_normal((CUSTOMERS, ANSWERS + 1)),
    )
    recent = np.einsum(
        "cij,cj->ci",
        np.linalg.cholesky(TRUE.along(apart, TRUE.recent, TRUE.recent_d) + 1e-9 * np.eye(ANSWERS + 1)),
        rng.standard_normal((CUSTOMERS, ANSWERS + 1)),
    )
    chance = rng.normal(0.0, (TRUE.felt + TRUE.noise) ** 0.5, days.shape)
    readings = (lasting + recent)[:, :-1] + chance
    count = CUSTOMERS * ANSWERS
    found = series(
        np.repeat(np.arange(CUSTOMERS), ANSWERS),
        (days.ravel() * DAY_MS).astype(np.int64),
        readings.ravel(),
        np.tile(ONLY_NEEDS, (count, 1)),
        np.ones(count),
        np.arange(count),
    )
    return found, days, readings, lasting[:, -1]


def test_values_that_were_put_in_are_found() -> None:
    found, *_ = world(1)
    values = fitted(found, DEFAULT_MODEL)
    assert surprise(found, values) < surprise(found, replace(TRUE, lasting=50.0))
    assert values.lasting + values.recent == pytest.approx(200.0, rel=0.25)
    assert values.felt + values.noise == pytest.approx(180.0, rel=0.15)
    assert values.lasting > values.recent


def test_decayed_sums_know_how_far_they_are_off() -> None:
    found, days, readings, truth = world(2)
    model = faded(found, TRUE, DEFAULT_MODEL)
    weight = np.exp2((days - DAYS) * DAY_MS / model.relationship.half_life_ms)
    mean = scores.relationship_mean(weight.sum(axis=1), (weight * readings).sum(axis=1), 0.0, model)
    spread = scores.relationship_variance(weight.sum(axis=1), model)
    inside = np.abs(mean - truth) <= 1.645 * np.sqrt(spread)
    assert 0.84 < float(inside.mean()) < 0.96
    assert float(((mean - truth) ** 2).mean()) < 0.6 * TRUE.lasting


def test_who_answers_is_found_and_undone() -> None:
    rng = np.random.default_rng(3)
    moved = np.abs(rng.normal(0.0, 20.0, 40_000)) / 20.0
    answered = rng.random(40_000) < 0.1 * (1.0 + moved)
    group = np.zeros(40_000, np.int64)
    assert likeliest(moved, answered, group) == pytest.approx(1.0, abs=0.3)
    assert likeliest(moved, rng.random(40_000) < 0.1, group) < 0.25
    feeling = rng.multivariate_normal(np.zeros(3), 225.0 * (0.4 * np.eye(3) + TRUE.alike), 400_000)
    told = rng.random(400_000) < (1.0 + np.abs(feeling.mean(axis=1)) / 20.0) / 6.0
    seen = float(feeling[told].var(axis=0).mean())
    assert seen > 1.2 * 225.0
    values = unselected(replace(TRUE, lasting=seen / 2, recent=seen / 4, felt=seen / 4), 1.0, 20.0)
    assert values.lasting + values.recent + values.felt == pytest.approx(225.0, rel=0.02)
    assert values.noise == TRUE.noise
