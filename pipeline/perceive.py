"""Perceive: interaction facts to observations, observations to decayed sums of evidence.

Everything here is a function of the *set* of facts and notes. Sums are forward-decayed (Cormode et al., ICDE 2009) and
used as a discount filter (West & Harrison): they merge by addition, and a late observation needs no special path.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import answers, implied
from pipeline.features import acted, predict
from pipeline.model import DEFAULT_MODEL, Model
from pipeline.peak_end import peak_end
from pipeline.predictor import CAUSE, Prediction
from pipeline.priors import by_dimension
from pipeline.records import ONE_WAY
from pipeline.strings import Strings
from schemas.tables import DIMENSIONS

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Times = NDArray[np.int64] | int
"""Epoch milliseconds, one for all or one for each."""

STATED_SIGNAL = -1
"""``Observations.signal`` of an explicit answer."""
AMENDS_SIGNAL = -2
"""``Observations.signal`` of what a recovery gives back, or a failure that came again adds."""
CAUSED_SIGNAL = -3
"""``Observations.signal`` of what an interaction did to the customer: b(x) in points, without weight."""
_WIDTH = len(DIMENSIONS)
_ENJOYABLE = DIMENSIONS.index("enjoyable")


@dataclass(frozen=True, slots=True)
class Observations:
    """What facts say about perception, in order of (fact, signal, at); answers come before signals.

    Shapes: (m,), and (m, 3) by dimension in the order of ``schemas.tables.DIMENSIONS``.
    """

    fact: Indices
    """Index of the fact."""
    at_ms: Indices
    """When it was observed: an answer at its own time, a signal at the end of its interaction."""
    weight: Floats
    """1 = one explicit answer to the dimension's own question; 0 = says nothing about the dimension."""
    value: Floats
    """Score points, not clipped."""
    stated: NDArray[np.bool_]
    """From an explicit answer."""
    signal: NDArray[np.int16]
    """Index into ``Model.signal_names``, ``STATED_SIGNAL``, ``AMENDS_SIGNAL`` or ``CAUSED_SIGNAL``."""

    def __len__(self) -> int:
        return len(self.fact)

    def take(self, rows: NDArray[Any]) -> Observations:
        """The observations at ``rows`` (indices or flags), in that order."""
        return Observations(
            self.fact[rows], self.at_ms[rows], self.weight[rows], self.value[rows], self.stated[rows], self.signal[rows]
        )

    def joined(self, other: Observations) -> Observations:
        """These, then the others."""
        if not len(other):
            return self
        return Observations(
            *(np.concatenate((getattr(self, field.name), getattr(other, field.name))) for field in fields(self))
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """Sums of evidence per group and dimension, shape (k, 3) each; two at the same reference times add up."""

    weight: Floats
    """W = Σ w·δ."""
    sum: Floats
    """S = Σ w·y·δ, score points times weight."""
    stated: Floats
    """The part of W that comes from explicit answers."""

    @classmethod
    def none(cls, groups: int) -> Evidence:
        """No evidence for ``groups`` groups."""
        return cls(*(np.zeros((groups, _WIDTH)) for _ in range(3)))

    def __len__(self) -> int:
        return len(self.weight)

    def __add__(self, other: Evidence) -> Evidence:
        return Evidence(self.weight + other.weight, self.sum + other.sum, self.stated + other.stated)

    def __sub__(self, other: Evidence) -> Evidence:
        return Evidence(self.weight - other.weight, self.sum - other.sum, self.stated - other.stated)

    def take(self, rows: NDArray[Any]) -> Evidence:
        """The groups at ``rows`` (indices or flags), in that order."""
        return Evidence(self.weight[rows], self.sum[rows], self.stated[rows])

    def patched(self, rows: Indices, other: Evidence) -> Evidence:
        """The same, but for the groups at ``rows`` those of ``other``."""
        parts = Evidence(self.weight.copy(), self.sum.copy(), self.stated.copy())
        parts.weight[rows], parts.sum[rows], parts.stated[rows] = other.weight, other.sum, other.stated
        return parts


def observe(
    facts: NDArray[Any], closed: NDArray[np.bool_], notes: NDArray[Any], strings: Strings, model: Model
) -> Observations:
    """Observations of ``facts`` (dtype PIECE, shape (n,)); one-way facts have none.

    ``closed`` says which can no longer grow: what did not happen in the others is not known yet. ``notes`` (dtype
    NOTE) hold the answers, ``owner`` is the index of their fact. Implicit weights are capped per fact and dimension.
    """
    two_way = np.asarray(facts["grouping"] != ONE_WAY)
    prior = segment_prior(facts["segment"], strings, model)
    inferred = _implied(facts, closed, two_way, prior, model)
    stated = _stated(answers.read(notes, strings, model))
    if len(stated):
        stated = stated.take(two_way[stated.fact])
    if model.predictor is not None:
        said = predict(facts, closed & two_way, notes, strings, model.predictor, model.effects)
        if model.predictor.role == CAUSE:
            stated = replace(stated, value=stated.value - said.shift[stated.fact])
        else:
            told = two_way & acted(facts)
            inferred = _merged(inferred, _predicted(facts, told, said, prior, model), len(model.effects))
    return _merged(stated, inferred, len(model.signal_names)) if len(stated) else inferred


def predicted_points(said: Prediction, prior: Floats, model: Model) -> tuple[Floats, Floats]:
    """Weight and value y = μ + b/R² of the predictor's pseudo-observation, shape (n, 3) each, as ``prior``."""
    shift = np.divide(said.shift, said.explained, out=np.zeros_like(said.shift), where=said.explained > 0)
    return model.evidence_weight(said.explained), prior + shift


def _predicted(
    facts: NDArray[Any], told: NDArray[np.bool_], said: Prediction, prior: Floats, model: Model
) -> Observations:
    """The predictor's pseudo-observation of every fact ``told`` that has a feature of it; not capped."""
    weight, value = predicted_points(said, prior, model)
    fact = np.flatnonzero(told & weight.any(axis=1))
    return Observations(
        fact=fact,
        at_ms=facts["end_ms"][fact],
        weight=weight[fact],
        value=value[fact],
        stated=np.zeros(len(fact), dtype=np.bool_),
        signal=np.full(len(fact), len(model.effects), dtype=np.int16),
    )


def _implied(
    facts: NDArray[Any], closed: NDArray[np.bool_], two_way: NDArray[np.bool_], prior: Floats, model: Model
) -> Observations:
    """Pseudo-observations y = μ + b/R² with weight w of every signal that the model names (PERCEPTION.md)."""
    seen = implied.judged(facts, closed, two_way, model)
    explained = np.array([model.effects[name].explained for name in model.effect_names])
    value = prior[seen.fact] + (seen.shift / explained[seen.signal])[:, np.newaxis]
    felt = peak_end(seen, facts["last_type"], model)
    value[felt.rows, _ENJOYABLE] = (
        prior[seen.fact[felt.rows], _ENJOYABLE] + felt.shift / explained[seen.signal[felt.rows]]
    )
    share = implied.capped_share(seen, len(facts), model)
    return Observations(
        fact=seen.fact,
        at_ms=facts["end_ms"][seen.fact],
        weight=implied.weights(model)[seen.signal] * share[seen.fact],
        value=value,
        stated=np.zeros(len(seen.fact), dtype=np.bool_),
        signal=seen.signal,
    )


def outcome_evidence(
    name: str, facts: NDArray[Any], closed: NDArray[np.bool_], strings: Strings, model: Model
) -> tuple[Floats, Floats]:
    """Weight (n, 3) and value (n,) in points that the outcome ``name`` has, or would have, where it happens.

    The value is that of the first dimension; those of the others lie as far from it as their priors. The weight is
    after the cap, with all that the other signals say of the facts. Zero where it is no observation of its own: the
    model does not name it, or its predictor speaks for it.
    """
    prior, effect = segment_prior(facts["segment"], strings, model)[:, 0], model.effects.get(name)
    if effect is None or name in implied.replaced(model):
        return np.zeros((len(facts), _WIDTH)), prior
    seen = implied.judged(facts, closed, np.asarray(facts["grouping"] != ONE_WAY), model)
    share = implied.capped_share(seen, len(facts), model)
    shift = effect.shift(np.ones(len(facts)))
    return share * np.multiply(model.signal_weight(effect), effect.shares), prior + shift / effect.explained


def _stated(given: answers.Answers) -> Observations:
    return Observations(
        fact=given.fact,
        at_ms=given.at_ms,
        weight=given.weight,
        value=np.repeat(given.value, _WIDTH).reshape(-1, _WIDTH),
        stated=np.ones(len(given.fact), dtype=np.bool_),
        signal=np.full(len(given.fact), STATED_SIGNAL, dtype=np.int16),
    )


def _merged(stated: Observations, inferred: Observations, signals: int) -> Observations:
    """Both, each in order already, in order of (fact, signal)."""
    both = stated.joined(inferred)
    key = both.fact * (signals + 1) + both.signal
    return both.take(np.argsort(key, kind="stable"))


def caused(facts: NDArray[Any], shift: Floats, model: Model) -> Observations:
    """What ``shift`` (n, 3), points, of each fact moves for longer than the fact; no rows where nothing stays."""
    stays = model.predictor is not None and any(model.predictor.stays)
    fact = np.flatnonzero(shift.any(axis=1)) if stays else np.zeros(0, np.int64)
    return Observations(
        fact=fact,
        at_ms=facts["end_ms"][fact],
        weight=np.zeros((len(fact), _WIDTH)),
        value=shift[fact],
        stated=np.zeros(len(fact), dtype=np.bool_),
        signal=np.full(len(fact), CAUSED_SIGNAL, dtype=np.int16),
    )


def gather(
    obs: Observations,
    group: Indices,
    groups: int,
    reference_ms: Indices,
    half_life_ms: float,
    moved: float = 0.0,
) -> Evidence:
    """Sums per group at its reference time: W = Σ w·2^(-(T-t)/H), S = Σ w·y·2^(-(T-t)/H) (PERCEPTION.md).

    ``group`` (m,) is the group of each observation, below ``groups``; ``reference_ms`` (k,) is T per group.
    An observation after T has a factor above 1: the sum is the one that decays to the right value later.
    ``half_life_ms`` inf = undecayed. ``moved`` is what S gains per point that was caused (``Model.moved``).
    """
    fade = np.exp2(-(reference_ms[group] - obs.at_ms) / half_life_ms)[:, np.newaxis]
    weight = obs.weight * fade
    total = weight * obs.value
    if moved:
        rows = np.flatnonzero(obs.signal == CAUSED_SIGNAL)
        total[rows] = moved * fade[rows] * obs.value[rows]
    answered = np.flatnonzero(obs.stated)
    return Evidence(
        _totals(group, weight, groups),
        _totals(group, total, groups),
        _totals(group[answered], weight[answered], groups),
    )


def _totals(group: Indices, values: Floats, groups: int) -> Floats:
    """Sums of ``values`` (m, 3) per group, shape (groups, 3)."""
    cell = group[:, np.newaxis] * _WIDTH + np.arange(_WIDTH)
    totals: Floats = np.bincount(cell.ravel(), weights=values.ravel(), minlength=groups * _WIDTH).astype(np.float64)
    return totals.reshape(groups, _WIDTH)


def move(evidence: Evidence, from_ms: Times, to_ms: Times, half_life_ms: float) -> Evidence:
    """The same evidence at another reference time: every sum times δ(to - from); earlier means larger.

    Times are epoch milliseconds, one for all groups or one per group (k,).
    """
    factor = np.exp2(-(np.asarray(to_ms) - np.asarray(from_ms)) / half_life_ms)[..., np.newaxis]
    return Evidence(evidence.weight * factor, evidence.sum * factor, evidence.stated * factor)


def interaction_score(evidence: Evidence, prior: Floats, model: Model = DEFAULT_MODEL) -> Floats:
    """m_I = (n_I·μ + S)/(n_I + W) with the segment's prior μ (k, 3), score points, shape (k, 3), not clipped.

    This is what cells aggregate: a customer's own history would make them depend on late facts everywhere.
    """
    anchor = model.interaction.prior_weight
    return np.asarray((anchor * prior + evidence.sum) / (anchor + evidence.weight))


def segment_prior(segment_codes: NDArray[np.int32], strings: Strings, model: Model) -> Floats:
    """Prior mean μ of each segment code by dimension, score points, shape (k, 3)."""
    prior = np.full((len(segment_codes), _WIDTH), by_dimension(model.prior_mean))
    for segment, mean in model.segments.items():
        code = strings.get(segment)
        if code is not None:
            prior[segment_codes == code] = by_dimension(mean)
    return prior
