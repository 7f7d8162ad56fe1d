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
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

FACTORS: Final = (0.25, 0.5, 2.0, 4.0)
"""Half-lives that are tried, times what they were."""
SPREADS: Final = (0.5, 2.0)
"""Variances between customers that are tried, times what they were."""
_ROUNDS: Final = 3
_SETTLED: Final = 1e-3
_MOST: Final = 4.0
"""The variance of answers changes by at most this factor."""


@dataclass(frozen=True, slots=True)
class _Errors:
    """How answers came out against what was predicted just before, shape (n,) each."""

    off: Floats
    variance: Floats
    """Predicted, square points."""
    again: Flags
    """Whether this is the customer's first answer about an interaction, but not the first answer."""

    @classmethod
    def of(cls, base: Base, model: Model) -> _Errors:
        sample = under(base, model)
        center, variance, _ = moments_before(sample, model)
        again = sample.at_ms > _first(sample.customer, sample.at_ms)
        again &= sample.at_ms == _first(sample.interaction, sample.at_ms)
        return cls(sample.points - center, variance, again)

    @property
    def surprise(self) -> Floats:
        """Negative logarithm of the predicted density, but for a constant."""
        return np.asarray((np.log(self.variance) + self.off**2 / self.variance) / 2.0)


def _first(group: Index, at_ms: Index) -> Index:
    """Earliest time of each row's group."""
    first = np.full(int(group.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, group, at_ms)
    return np.asarray(first[group])


def tune(base: Base, start: Model, optimism: float, learnt: list[Learnt], kept: list[str]) -> Model:
    """``start`` with values that predict better.

    ``optimism`` is by how much squared errors are too small because the predictor has seen the answers (≥ 1).
    """
    model = _noise(base, start, optimism)
    again = int(_Errors.of(base, model).again.sum())
    if again < LEAST:
        kept.append(
            f"role of the predictor, half-lives, spread of customers: {again} answers of customers who had answered "
            f"about something else before, {LEAST} are needed; the ratios of the start values stay"
        )
    else:
        model = _role(base, model, optimism, learnt)
        model = _half_lives(base, model, learnt, kept)
        model = _spread(base, model, optimism, learnt, kept)
    error = float(np.std(_Errors.of(base, model).off ** 2, ddof=1)) / len(base) ** 0.5
    values = start.answer_variance, model.answer_variance
    learnt.append(Learnt("variance of answers σ², square points", values[0], values[1], len(base), error))
    return model


def _role(base: Base, model: Model, optimism: float, learnt: list[Learnt]) -> Model:
    """The role that predicts better; one alone has nothing to compare."""
    if model.predictor is None:
        return model
    cause = replace(model, predictor=replace(model.predictor, role=CAUSE))
    tried = [float(np.mean(_Errors.of(base, one).off ** 2)) ** 0.5 for one in (model, cause)]
    chosen = _noise(base, cause, optimism) if tried[1] < tried[0] else model
    text = f"role of the predictor is {'symptom' if chosen is model else 'cause'}; error as symptom and as cause"
    learnt.append(Learnt(text, tried[0], tried[1], len(base), np.nan))
    return chosen


def _half_lives(base: Base, model: Model, learnt: list[Learnt], kept: list[str]) -> Model:
    """All half-lives times one factor: their ratio stays."""
    candidates = [
        replace(model, relationship=_slower(model.relationship, by), journey=_slower(model.journey, by))
        for by in FACTORS
    ]
    found, again = _best(base, model, candidates)
    if found is model:
        kept.append("half-lives: no other ones predict better by more than chance")
    for name in ("relationship", "journey"):
        days = [getattr(one, name).half_life_ms / DAY_MS for one in (model, found)]
        if days[0] != days[1]:
            learnt.append(Learnt(f"half-life of the {name}, days", days[0], days[1], again, np.nan))
    return found


def _slower(horizon: Horizon, by: float) -> Horizon:
    return replace(horizon, half_life_ms=float(round(horizon.half_life_ms * by)))


def _spread(base: Base, model: Model, optimism: float, learnt: list[Learnt], kept: list[str]) -> Model:
    """τ_L²: how much customers differ; n_L follows as σ²/τ_L²."""
    wider = [replace(model, relationship=_wider(model.relationship, by)) for by in SPREADS]
    found, again = _best(base, model, [_noise(base, one, optimism) for one in wider])
    if found is model:
        kept.append("spread of customers: no other one predicts better by more than chance")
        return model
    values = [one.relationship.prior_variance for one in (model, found)]
    learnt.append(Learnt("variance between customers τ², square points", values[0], values[1], again, np.nan))
    return found


def _wider(horizon: Horizon, by: float) -> Horizon:
    return replace(horizon, prior_variance=horizon.prior_variance * by, prior_weight=horizon.prior_weight / by)


def _best(base: Base, model: Model, candidates: Sequence[Model]) -> tuple[Model, int]:
    """The model to which answers of known customers come least as a surprise, and how many there are.

    Another than ``model`` only if the difference is more than two standard errors.
    """
    now = _Errors.of(base, model)
    found, gained = model, 0.0
    for candidate in candidates:
        gain = (now.surprise - _Errors.of(base, candidate).surprise)[now.again]
        if gain.mean() > max(gained, 2.0 * float(gain.std(ddof=1)) / len(gain) ** 0.5):
            found, gained = candidate, float(gain.mean())
    return found, int(now.again.sum())


def _noise(base: Base, model: Model, optimism: float) -> Model:
    """σ² such that squared errors are what is predicted; prior weights n = σ²/τ² move with it."""
    start, pseudo, n = model.answer_variance, model.answers.pseudo_answers, len(base)
    for _ in range(_ROUNDS):
        errors = _Errors.of(base, model)
        wanted = float(np.mean(errors.off**2)) * optimism - float(np.mean(errors.variance)) + model.answer_variance
        wanted = (n * wanted + pseudo * start) / (n + pseudo)
        least = model.interaction.prior_variance + start / 10.0
        factor = float(np.clip(wanted, max(start / _MOST, least), start * _MOST)) / model.answer_variance
        if abs(factor - 1.0) < _SETTLED:
            break
        heavier = {
            name: replace(getattr(model, name), prior_weight=getattr(model, name).prior_weight * factor)
            for name in ("relationship", "journey", "interaction")
        }
        model = replace(model, answer_variance=model.answer_variance * factor, **heavier)
    return model


def predicts_better(
    base: Base, model: Model, other: Model, optimism: tuple[float, float], learnt: list[Learnt]
) -> bool:
    """Whether ``other`` predicts answers with smaller errors than ``model``; says so.

    ``optimism``: by how much squared errors of each are too small because it has seen the answers.
    """
    before, after = (
        float((float(np.mean(_Errors.of(base, one).off ** 2)) * by) ** 0.5)
        for one, by in zip((model, other), optimism, strict=True)
    )
    text = "error without and with single interactions as causes of which a part stays"
    learnt.append(Learnt(text if after < before else f"{text} (not taken)", before, after, len(base), np.nan))
    return after < before
