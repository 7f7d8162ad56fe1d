"""What a model's predictor says at every answer, and what signals beside it say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.features import cause_shift
from pipeline.model import Model
from pipeline.perceive import gather, observe
from pipeline.predictor import CAUSE, Flags, Prediction, Predictor
from pipeline.priors import by_dimension
from pipeline.records import NOTE
from pipeline.signals._base import type_bits

if TYPE_CHECKING:
    from jobs.evaluate.reading import Base

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Predicted:
    """The predictor's words: at each answer from its journey so far, and once for every journey."""

    cause: bool
    journey: Index
    """Of each answer, shape (n,); -1 = nothing happened in it."""
    heard_ms: Index
    """The last event before each answer in its journey."""
    shift: Floats
    """b(x) just before each answer, shape (n, 3)."""
    weight: Floats
    """Weight of the pseudo-observation, shape (n, 3); 0 of causes."""
    sum: Floats
    """Weight times value, shape (n, 3)."""
    owner: Index
    """Customer of each journey, shape (j,)."""
    last_ms: Index
    """Its last event."""
    last_weight: Floats
    """Of all of the journey, shape (j, 3)."""
    last_sum: Floats
    stays: bool = False
    """Whether ``last_sum`` is b(x) of single interactions, of which a part stays (``Model.moved``)."""


def predicted(base: Base, model: Model) -> Predicted:
    """The predictor of ``model`` on the journal of ``base``; nothing where there is none."""
    journal, predictor, count = base.journal, model.predictor, len(base)
    nothing = np.zeros((count, 3))
    if predictor is None or not len(journal):
        none, empty = np.zeros(0, np.int64), np.zeros((0, 3))
        silent = np.full(count, -1)
        return Predicted(False, silent, silent, nothing, nothing, nothing, none, none, empty, empty)
    if any(predictor.stays):
        return _staying(base, model)
    coded = base.coded
    at_ms, code = coded.at_ms, coded.code
    position = journal.before(coded.journey, coded.person, at_ms)
    said = _said(base, predictor, position, _missing_at_answers(predictor, position))
    prior = np.array([model.prior_of(name) for name in coded.segments])[coded.segment]
    cause = predictor.role == CAUSE
    weight, total = _observed(said, prior, model)
    last = journal.last()
    names = [name for name, _ in sorted(journal.codes, key=lambda key: journal.codes[key])]
    owner = np.array([code.get(name, -1) for name in names], np.int64)
    own_prior = np.full((len(code) + 1, 3), by_dimension(model.prior_mean))
    own_prior[coded.customer] = prior
    at_last = _said(base, predictor, last, _missing_at_last(base, predictor))
    last_weight, last_sum = _observed(at_last, own_prior[owner], model)
    return Predicted(
        cause=cause,
        journey=np.where(position >= 0, journal.journey[position], -1),
        heard_ms=np.where(position >= 0, journal.at_ms[position], at_ms),
        shift=said.shift,
        weight=nothing if cause else weight,
        sum=nothing if cause else total,
        owner=owner,
        last_ms=journal.at_ms[last],
        last_weight=np.zeros_like(last_weight) if cause else last_weight,
        last_sum=np.zeros_like(last_sum) if cause else last_sum,
    )


def own_facts(base: Base) -> Index:
    """The fact that each answer is about, shape (n,); -1 where there is none."""
    place = {key: row for row, key in enumerate(base.facts.keys)}
    told = np.array([place.get(key, -1) for key in zip(base.told[0], base.told[1], strict=True)], np.int64)
    return np.asarray(told[base.coded.interaction])


def _staying(base: Base, model: Model) -> Predicted:
    """Of causes that stay: b(x) of every single interaction."""
    assert model.predictor is not None
    facts, count, nothing = base.facts, len(base), np.zeros((len(base), 3))
    shift = cause_shift(facts.records, facts.closed, np.zeros(0, dtype=NOTE), facts.strings, model)
    owner = np.array([base.coded.code.get(name, -1) for name, _ in facts.keys], np.int64)
    end_ms = facts.records["end_ms"].astype(np.int64)
    own = own_facts(base)
    left = np.where((own >= 0) & (end_ms[own] < base.coded.at_ms), 1.0 - sum(model.predictor.stays), 1.0)
    return Predicted(
        cause=True,
        journey=np.full(count, -1),
        heard_ms=base.coded.at_ms,
        shift=shift[own] * ((own >= 0) * left)[:, np.newaxis],
        weight=nothing,
        sum=nothing,
        owner=owner,
        last_ms=end_ms,
        last_weight=np.zeros_like(shift),
        last_sum=shift,
        stays=True,
    )


def _missing_at_answers(predictor: Predictor, position: Index) -> dict[str, Flags]:
    """What is not known of a journey at an answer counts as missing: it was asked about as it was."""
    return dict.fromkeys(predictor.features, position >= 0)


def _missing_at_last(base: Base, predictor: Predictor) -> dict[str, Flags]:
    """What is not known of a journey at its end counts as missing if it was asked about, or could have been given."""
    journeys = base.journal.types()
    asked = np.zeros(len(journeys), np.bool_)
    asked[base.coded.journey[base.coded.journey >= 0]] = True
    return {name: asked | ((journeys & type_bits(*one.types)) != 0) for name, one in predictor.features.items()}


def _said(base: Base, predictor: Predictor, position: Index, missing: Mapping[str, Flags]) -> Prediction:
    """The predictor at events ``position`` of the journal (-1 = none)."""
    known = position >= 0
    columns = base.journal.columns(position, predictor.features)
    said = predictor.predict(columns, missing)
    return Prediction(said.shift * known[:, np.newaxis], said.explained * known[:, np.newaxis])


def _observed(said: Prediction, prior: Floats, model: Model) -> tuple[Floats, Floats]:
    """Weight and sum of the pseudo-observations y = μ + b/R²."""
    weight = model.evidence_weight(said.explained)
    shift = np.divide(said.shift, said.explained, out=np.zeros_like(said.shift), where=said.explained > 0)
    return weight, weight * (prior + shift)


def implied_by(base: Base, model: Model) -> tuple[Floats, Floats]:
    """W and S of the signals that ``model`` has beside its predictor, per interaction, shape (m, 3) each."""
    told = {key: place for place, key in enumerate(zip(base.told[0], base.told[1], strict=True))}
    facts, count = base.facts.records, len(told)
    contained = frozenset[str]() if model.predictor is None else model.predictor.signals
    effects = {name: effect for name, effect in model.effects.items() if name not in contained}
    silent = replace(model, effects=effects, predictor=None)
    closed = np.ones(len(facts), dtype=np.bool_)
    seen = observe(facts, closed, np.zeros(0, dtype=NOTE), base.facts.strings, silent)
    place = np.array([told.get(key, -1) for key in base.facts.keys], dtype=np.int64)
    seen = seen.take(place[seen.fact] >= 0)  # another policy may have cut interactions elsewhere
    evidence = gather(seen, place[seen.fact], count, np.zeros(count, np.int64), float("inf"))
    return evidence.weight, evidence.sum
