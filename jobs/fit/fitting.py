"""The fit itself: counts and means, shrunk towards what the model says already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jobs.evaluate.reading import Base
from jobs.fit.caused import causing
from jobs.fit.learnt import LEAST, Learnt
from jobs.fit.predicting import Found, find, told_of
from jobs.fit.prior import priors
from jobs.fit.reading import Seen
from jobs.fit.tuning import predicts_better, tune
from pipeline.answers import kept_share, level_scores, rating_levels
from pipeline.model import Model, Scale
from pipeline.signals import Effect, Outcome, Slope, discover

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model, what was learnt, and what could not be."""

    model: Model
    answers: int
    learnt: tuple[Learnt, ...]
    kept: tuple[str, ...]
    """Why other values stayed, in words."""
    found: Found | None = None
    """The predictor, and what its features are worth."""


def fit(seen: Seen, start: Model, name: str, without: AbstractSet[str] = frozenset()) -> Fit:
    """``start`` with what ``seen`` teaches, but no features ``without``; what has too little to learn from stays."""
    kept: list[str] = []
    learnt: list[Learnt] = []
    model = replace(start, version="", predictor=None, effects=_effects(seen, start.effects, learnt, kept))
    model = replace(model, scales=_scales(seen, model, learnt, kept))
    model = _priors(seen, model, learnt, kept)
    found = None
    if seen.base is not None and len(seen.base) >= LEAST:
        plain = model
        found = _predictor(seen, seen.base, model, without, kept)
        model = replace(model, predictor=None if found is None else found.predictor)
        model = tune(seen.base, model, 1.0 if found is None else found.optimism, learnt, kept)
        caused = None if without else causing(seen.base, plain, *_read(seen, plain), seen.customer, seen.segment)
        if caused is not None:
            optimism = 1.0 if found is None else found.optimism, caused.found.optimism
            if predicts_better(seen.base, model, caused.model, optimism, learnt):
                model, found = caused.model, caused.found
                learnt.extend(caused.learnt)
    model = replace(model, version=f"{name}-{model.digest()}")
    return Fit(model, len(seen.value), tuple(learnt), tuple(kept), found)


def _read(seen: Seen, model: Model) -> tuple[Floats, Floats, Floats]:
    """Answers in points, what a scale keeps of a reading, and its weights."""
    points, _ = _points(seen, model)
    shares = np.ones(len(points))
    for name, rows, levels, _category in _categories(seen, model):
        shares[rows] = kept_share(levels, model.answers, *model.scales[name].known(levels))
    return points, shares, np.array([model.scales[name].weights for name in seen.scale.tolist()])


def _predictor(seen: Seen, base: Base, model: Model, without: AbstractSet[str], kept: list[str]) -> Found | None:
    told = told_of(base).without(without)
    points, _ = _points(seen, model)
    weights = np.array([model.scales[name].weights for name in seen.scale.tolist()])
    prior = (weights * np.array([model.prior_of(name) for name in seen.segment.tolist()])).sum(axis=1)
    prior /= weights.sum(axis=1)
    found = find(told, seen.customer, points - prior, weights, model)
    if found is None:
        acted = int(told.acted.sum())
        kept.append(f"predictor: {acted:,} answers with something before them, and nothing that explains them")
    return found


def _effects(seen: Seen, effects: Mapping[str, Effect], learnt: list[Learnt], kept: list[str]) -> dict[str, Effect]:
    """Signals centred on how often they occur: b(1) = D(1-p), b(0) = -D·p (PERCEPTION.md)."""
    found = dict(effects)
    for name, effect in effects.items():
        known, level = _levels(seen, name)
        n = int(seen.count[known].sum())
        mean = float((level[known] * seen.count[known]).sum() / n) if n else 0.0
        if n < LEAST or (isinstance(effect, Outcome) and not 0 < mean < 1):
            kept.append(f"prevalence of {name}: {n:,} interactions that tell, both outcomes and {LEAST} are needed")
            continue
        deviation = float(np.sqrt((seen.count[known] * (level[known] - mean) ** 2).sum() / n))
        if isinstance(effect, Outcome):
            gap = effect.present - effect.absent
            before = -effect.absent / gap if gap else 0.0
            found[name] = replace(effect, present=gap * (1 - mean), absent=-gap * mean)
            learnt.append(Learnt(f"prevalence of {name}", before, mean, n, deviation / n**0.5))
        elif isinstance(effect, Slope):
            found[name] = replace(effect, mean=mean)
            learnt.append(Learnt(f"mean of {name}", effect.mean, mean, n, deviation / n**0.5))
    return found


def _levels(seen: Seen, name: str) -> tuple[NDArray[np.bool_], Floats]:
    """Where a signal tells something, and its level there."""
    signal = discover()[name]
    level = signal.observed(seen.facts)
    return signal.applies(seen.facts) & ~np.isnan(level), level


def _scales(seen: Seen, model: Model, learnt: list[Learnt], kept: list[str]) -> dict[str, Scale]:
    found = dict(model.scales)
    for name, rows, levels, category in _categories(seen, model):
        scale = found[name]
        what = name if levels == scale.levels else f"{name} with {levels} levels"
        if len(rows) < LEAST:
            kept.append(f"shares of {what}: {len(rows)} answers, {LEAST} are needed")
            continue
        counts = tuple(float(count) for count in np.bincount(category, minlength=levels))
        others = (*(one for one in scale.other_counts if len(one) != levels), counts)
        found[name] = (
            replace(scale, counts=counts)
            if levels == scale.levels
            else replace(scale, other_counts=tuple(sorted(others, key=len)))
        )
        before, after = (
            float(level_scores(levels, model.answers, *one.known(levels))[category].mean())
            for one in (scale, found[name])
        )
        learnt.append(Learnt(f"mean answer of {what}, points", before, after, len(rows), float("nan")))
    return found


def _categories(seen: Seen, model: Model) -> Iterator[tuple[str, Index, int, Index]]:
    """Scale, rows, number of levels and category of the answers, group by group."""
    levels = rating_levels(seen.low, seen.high, model.answers)
    for name, count in sorted(set(zip(seen.scale.tolist(), levels.tolist(), strict=True))):
        if name in model.scales and count > 0:
            rows = np.flatnonzero((seen.scale == name) & (levels == count))
            place = (seen.value[rows] - seen.low[rows]) / (seen.high[rows] - seen.low[rows])
            yield name, rows, count, np.clip(np.floor(place * (count - 1) + 0.5), 0, count - 1).astype(np.int64)


def _points(seen: Seen, model: Model) -> tuple[Floats, NDArray[np.bool_]]:
    """Answers in points, and which of them have any, shape (n,) each."""
    points = np.full(len(seen.value), np.nan)
    for name, rows, levels, category in _categories(seen, model):
        points[rows] = level_scores(levels, model.answers, *model.scales[name].known(levels))[category]
    return points, ~np.isnan(points)


def _priors(seen: Seen, model: Model, learnt: list[Learnt], kept: list[str]) -> Model:
    points, told = _points(seen, model)
    return priors(seen.customer[told], seen.segment[told], points[told], model, learnt, kept)
