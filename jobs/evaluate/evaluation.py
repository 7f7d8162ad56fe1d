"""Prequential evaluation: every answer is predicted from what was known just before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.evaluate.baselines import CUSTOMER, Moments, customer_baselines, folds_of, shares_before
from jobs.evaluate.before import moments_before
from jobs.evaluate.figures import Figures, Judged
from jobs.evaluate.reading import Sample
from pipeline.answers import fitted_shares, level_edges, level_scores
from pipeline.model import Model
from pipeline.predict import category_masses, forecast, transform

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

PREDICTORS: Final = ("perception", "constant", "segment_mean", *CUSTOMER)
FIFTHS: Final = 5
SEED: Final = 20_240_229
_LOW: Final[Mapping[str, float]] = {
    "nps": 6, "csat": 2, "ces": 3, "cxi_meets_needs": 2, "cxi_easy": 2, "cxi_enjoyable": 2,
}  # fmt: skip
"""Highest value that counts as low on a scale with its usual range."""
_LOW_SHARE: Final = 0.4
"""... and on every other one: up to this share of the range above its lowest value."""

Table = Mapping[str, Figures]
"""Figures by predictor."""


@dataclass(frozen=True, slots=True)
class Fifth:
    """A fifth of the answers by how much evidence there was."""

    least: float
    most: float
    """Relationship evidence, in answers."""
    figures: Table


@dataclass(frozen=True, slots=True)
class Unit:
    """Figures in one unit."""

    overall: Table
    fifths: Sequence[Fifth]
    folds: Sequence[Table] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures in score points over all scales, and in each scale's own units."""

    points: Unit
    scales: Mapping[str, Unit]


@dataclass(frozen=True, slots=True)
class _Group:
    """Answers on one scale with one number of levels: rows of the sample, and forecasts by predictor."""

    rows: Index
    scale: str
    own: Mapping[str, Judged]
    points: Mapping[str, Judged]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Forecasts of some answers of a sample."""

    groups: Sequence[_Group]
    evidence: Floats
    """Of every answer of the sample."""
    fold: Index | None


def evaluate(sample: Sample, model: Model, *, folds: int | None = None) -> Evaluation:
    """Judge the model and the baselines on the wanted answers of ``sample``.

    With ``folds``, customers are split: what baselines know of others comes from the other folds, of any time, and
    the figures of each fold are reported too. The model is taken as it is; :func:`jobs.fit.crossed` learns it too.
    """
    return summary([judge(sample, model, folds_of(sample, folds))])


def judge(sample: Sample, model: Model, fold: Index | None) -> Judgement:
    """Predict the wanted answers of ``sample``; baselines know the other folds, or what was earlier."""
    center, variance, evidence = moments_before(sample, model)
    told = {"perception": Moments(center, variance), **customer_baselines(sample, model, fold)}
    draw = np.random.default_rng(SEED).random(len(sample))
    groups = [_group(sample, model, told, draw, fold, *key) for key in _keys(sample)]
    return Judgement(groups, evidence, fold)


def summary(judged: Sequence[Judgement]) -> Evaluation:
    """The figures of several judgements over the same answers, each of some of them."""
    evidence, fold = np.zeros_like(judged[0].evidence), judged[0].fold
    for one in judged:
        for group in one.groups:
            evidence[group.rows] = one.evidence[group.rows]
    groups = [group for one in judged for group in one.groups]
    scales = {
        name: _unit([(group.rows, group.own) for group in groups if group.scale == name], evidence, fold)
        for name in sorted({group.scale for group in groups})
    }
    return Evaluation(_unit([(group.rows, group.points) for group in groups], evidence, fold), scales)


def _keys(sample: Sample) -> Iterator[tuple[str, int]]:
    pairs = set(zip(sample.scale[sample.wanted].tolist(), sample.levels[sample.wanted].tolist(), strict=True))
    yield from sorted(pairs)


def _group(
    sample: Sample, model: Model, told: Mapping[str, Moments], draw: Floats, fold: Index | None, scale: str, levels: int
) -> _Group:
    every = np.flatnonzero((sample.scale == scale) & (sample.levels == levels))
    kept = sample.wanted[every]
    rows = every[kept]
    masses = _masses(sample, model, told, fold, every, scale, levels)
    category = sample.category[rows]
    scores = level_scores(levels, model.answers, *model.scales[scale].known(levels))
    steps = np.arange(levels) / (levels - 1)
    values = sample.low[rows, np.newaxis] + steps * (sample.high - sample.low)[rows, np.newaxis]
    low = values <= _low_limit(sample, rows, scale, model)[:, np.newaxis]
    was_low = low[np.arange(len(rows)), category]
    own, points = {}, {}
    for name in PREDICTORS:
        mass = masses[name][kept]
        shared = (transform(mass, category, draw[rows]), (mass * low).sum(axis=1), was_low)
        own[name] = Judged.of(sample.value[rows], forecast(mass, values, category), *shared)
        spread = np.broadcast_to(scores, mass.shape)
        points[name] = Judged.of(sample.points[rows], forecast(mass, spread, category), *shared)
    return _Group(rows, scale, own, points)


def _masses(
    sample: Sample, model: Model, told: Mapping[str, Moments], fold: Index | None, rows: Index, scale: str, levels: int
) -> dict[str, Floats]:
    """Mass per category by predictor, shape (len(rows), levels) each."""
    own = model.scales[scale].known(levels)
    edges = level_edges(levels, model.answers, *own)
    masses = {name: category_masses(one.mean[rows], one.variance[rows], edges) for name, one in told.items()}
    start, at_ms = fitted_shares(levels, model.answers, *own), sample.at_ms[rows]
    mine = None if fold is None else fold[rows]
    for name, segment in (("constant", None), ("segment_mean", sample.segment[rows])):
        pseudo = model.answers.pseudo_answers
        masses[name] = shares_before(sample.category[rows], at_ms, segment, start, mine, pseudo)
    return masses


def _low_limit(sample: Sample, rows: Index, scale: str, model: Model) -> Floats:
    low, high = sample.low[rows], sample.high[rows]
    relative = low + _LOW_SHARE * (high - low)
    if scale not in _LOW:
        return relative
    known = model.scales[scale]
    usual = (low == known.first) & (high == known.first + known.levels - 1)
    return np.where(usual, _LOW[scale], relative)


def _unit(parts: Sequence[tuple[Index, Mapping[str, Judged]]], evidence: Floats, fold: Index | None) -> Unit:
    rows = np.concatenate([part[0] for part in parts])
    judged = {name: Judged.joined([part[1][name] for part in parts]) for name in PREDICTORS}
    known = evidence[rows]
    order = np.lexsort((rows, known))
    fifth = np.empty(len(rows), dtype=np.int64)
    fifth[order] = np.arange(len(rows)) * FIFTHS // len(rows)
    fifths = [
        Fifth(float(known[fifth == number].min()), float(known[fifth == number].max()), _table(judged, fifth == number))
        for number in range(FIFTHS)
        if (fifth == number).any()
    ]
    by_fold = () if fold is None else [_table(judged, fold[rows] == number) for number in np.unique(fold[rows])]
    return Unit(_table(judged, np.ones(len(rows), dtype=np.bool_)), fifths, by_fold)


def _table(judged: Mapping[str, Judged], rows: NDArray[np.bool_]) -> Table:
    return {name: Figures.of(one.take(rows)) for name, one in judged.items()}
