"""Role of the predictor, half-lives and variances: by how well each answer is predicted just before it enters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.evaluate.before import moments_before
from jobs.evaluate.reading import Base, under
from jobs.fit.learnt import LEAST, Learnt
from pipeline.model import Horizon, Model
from pipeline.policy import DAY_MS
from pipeline.predictor import CAUSE

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FACTORS: Final = (0.25, 0.5, 2.0, 4.0)
"""Half-lives and spreads that are tried, times what they were."""
_ROUNDS: Final = 3
_MOST: Final = 4.0
"""The variance of answers changes by at most this factor."""


@dataclass(frozen=True, slots=True)
class _Errors:
    """How answers came out against what was predicted just before, shape (n,) each."""

    off: Floats
    variance: Floats
    """Predicted, square points."""
    again: Flags
    """Whether the customer had answered before."""

    @classmethod
    def of(cls, base: Base, model: Model) -> _Errors:
        sample = under(base, model)
        center, variance, _ = moments_before(sample, model)
        first = np.full(len(sample.names), np.iinfo(np.int64).max)
        np.minimum.at(first, sample.customer, sample.at_ms)
        return cls(sample.points - center, variance, sample.at_ms > first[sample.customer])


def tune(base: Base, start: Model, optimism: float, learnt: list[Learnt], kept: list[str]) -> Model:
    """``start`` with values that predict better.

    ``optimism`` is by how much squared errors are too small because the predictor has seen the answers (≥ 1).
    """
    again = int(_Errors.of(base, start).again.sum())
    model = start
    if again < LEAST:
        kept.append(
            f"role of the predictor, half-lives, spread of customers: {again} answers of customers who had answered "
            f"before, {LEAST} are needed; the ratios of the start values stay"
        )
    else:
        model = _role(base, model, learnt)
        model = _half_lives(base, model, learnt, kept)
        model = _spread(base, model, learnt, kept)
    return _noise(base, model, optimism, learnt)


def _role(base: Base, model: Model, learnt: list[Learnt]) -> Model:
    if model.predictor is None:
        return model
    cause = replace(model, predictor=replace(model.predictor, role=CAUSE))
    tried = [float(np.mean(_Errors.of(base, one).off ** 2)) for one in (model, cause)]
    chosen = cause if tried[1] < tried[0] else model
    root = [value**0.5 for value in tried]
    what = "symptom" if chosen is model else "cause"
    text = f"role of the predictor is {what}; error as symptom and as cause"
    learnt.append(Learnt(text, root[0], root[1], len(base), np.nan))
    return chosen


def _half_lives(base: Base, model: Model, learnt: list[Learnt], kept: list[str]) -> Model:
    """All half-lives times one factor: their ratio stays."""
    candidates = [
        replace(model, relationship=_slower(model.relationship, by), journey=_slower(model.journey, by))
        for by in FACTORS
    ]
    found = _best(base, model, candidates)
    again = int(_Errors.of(base, model).again.sum())
    if found is model:
        kept.append("half-lives: no other ones predict better by more than chance")
    for name in ("relationship", "journey"):
        days = [getattr(one, name).half_life_ms / DAY_MS for one in (model, found)]
        if days[0] != days[1]:
            learnt.append(Learnt(f"half-life of the {name}, days", days[0], days[1], again, np.nan))
    return found


def _slower(horizon: Horizon, by: float) -> Horizon:
    return replace(horizon, half_life_ms=float(round(horizon.half_life_ms * by)))


def _spread(base: Base, model: Model, learnt: list[Learnt], kept: list[str]) -> Model:
    """τ_L²: how much customers differ; n_L follows as σ²/τ_L²."""
    candidates = [replace(model, relationship=_wider(model.relationship, by)) for by in FACTORS]
    found = _best(base, model, candidates)
    if found is model:
        kept.append("spread of customers: no other one predicts better by more than chance")
        return model
    values = [one.relationship.prior_variance for one in (model, found)]
    learnt.append(Learnt("variance between customers τ², square points", values[0], values[1], len(base), np.nan))
    return found


def _wider(horizon: Horizon, by: float) -> Horizon:
    return replace(horizon, prior_variance=horizon.prior_variance * by, prior_weight=horizon.prior_weight / by)


def _best(base: Base, model: Model, candidates: Sequence[Model]) -> Model:
    """The model that predicts the answers of known customers best; another than ``model`` only beyond chance."""
    now = _Errors.of(base, model)
    found, gained = model, 0.0
    for candidate in candidates:
        gain = (now.off**2 - _Errors.of(base, candidate).off ** 2)[now.again]
        if gain.mean() > max(gained, float(gain.std(ddof=1)) / len(gain) ** 0.5):
            found, gained = candidate, float(gain.mean())
    return found


def _noise(base: Base, model: Model, optimism: float, learnt: list[Learnt]) -> Model:
    """σ² such that squared errors are what is predicted; prior weights n = σ²/τ² move with it."""
    start, pseudo = model.answer_variance, model.answers.pseudo_answers
    n = len(base)
    for _ in range(_ROUNDS):
        errors = _Errors.of(base, model)
        wanted = float(np.mean(errors.off**2)) * optimism - float(np.mean(errors.variance)) + model.answer_variance
        wanted = (n * wanted + pseudo * start) / (n + pseudo)
        least = model.interaction.prior_variance + start / 10.0
        factor = float(np.clip(wanted, max(start / _MOST, least), start * _MOST)) / model.answer_variance
        heavier = {
            name: replace(getattr(model, name), prior_weight=getattr(model, name).prior_weight * factor)
            for name in ("relationship", "journey", "interaction")
        }
        model = replace(model, answer_variance=model.answer_variance * factor, **heavier)
    error = float(np.std(errors.off**2, ddof=1)) / n**0.5
    learnt.append(Learnt("variance of answers σ², square points", start, model.answer_variance, n, error))
    return model
