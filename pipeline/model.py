"""The perception model: every start value of the estimate by name, as one frozen value (no constants elsewhere).

Score points run from 0 to 100; a weight of 1 is one explicit answer to a dimension's own question.
Category shares, prevalences and priors come only from here, never from the stream: that keeps results order-free.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf, isclose
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.policy import DAY_MS
from pipeline.predictor import Predictor
from pipeline.priors import Prior, Triple, by_dimension
from pipeline.signals import Effect, discover

_LEAST_EXPLAINED: Final = 1e-12
"""Keeps 1/R² finite."""
PREDICTOR: Final = "predictor"
"""Name of the fitted predictor among the signals."""


class ModelError(ValueError):
    """The model does not fit this program.

    ModelError
    ├── UnknownSignalError    the model names a signal that this release does not have
    └── InvalidModelError     a value is out of its range

    Operator action: run the release that the model was made for, or take a model made for this release.
    """


class UnknownSignalError(ModelError):
    """The model names a signal that this release does not have."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the model names the signal {name!r}, which this release does not have")
        self.name = name


class InvalidModelError(ModelError):
    """A value of the model is out of its range."""

    def __init__(self, name: str, value: object, rule: str) -> None:
        super().__init__(f"model: {name} must be {rule}, is {value!r}")
        self.name = name
        self.value = value


def _require(sound: bool, name: str, value: object, rule: str) -> None:
    if not sound:
        raise InvalidModelError(name, value, rule)


@dataclass(frozen=True, slots=True)
class Horizon:
    """One time frame of an experience and its prior, the next slower horizon."""

    prior_weight: float
    """n: weight of the prior's mean, in answers."""
    prior_variance: float
    """τ²: variance of the truth around the prior, square points."""
    residual_variance: float
    """f: variance that evidence cannot remove (truth moves, signals share an error), square points."""
    half_life_ms: float
    """H: age at which evidence counts half; inf = never fades."""

    def __post_init__(self) -> None:
        _require(self.prior_weight > 0, "prior_weight", self.prior_weight, "above 0")
        _require(self.prior_variance > 0, "prior_variance", self.prior_variance, "above 0")
        _require(self.residual_variance >= 0, "residual_variance", self.residual_variance, "at least 0")
        _require(self.half_life_ms > 0, "half_life_ms", self.half_life_ms, "above 0")


@dataclass(frozen=True, slots=True)
class Scale:
    """One scale of explicit answers."""

    first: int
    """Value of the lowest category."""
    levels: int
    """Number of categories K; 0 = each answer brings its own ends (``rating``)."""
    weights: tuple[float, float, float]
    """a_d: how much an answer says about each dimension."""
    shares: tuple[float, ...] = ()
    """Default share p⁰ of answers per category, lowest first; empty = interpolated by the answer rule."""
    counts: tuple[float, ...] = ()
    """Answers per category seen by a fit; empty = the default shares alone."""
    other_counts: tuple[tuple[float, ...], ...] = ()
    """The same of answers with other numbers of levels than the scale's own, one list per number of levels."""

    def __post_init__(self) -> None:
        _require(self.levels != 1 and self.levels >= 0, "levels", self.levels, "0 or at least 2")
        for name, values in (("shares", self.shares), ("counts", self.counts)):
            _require(len(values) in {0, self.levels}, name, values, "empty or one per level")
            _require(all(value >= 0 for value in values), name, values, "at least 0")
        _require(not self.shares or isclose(sum(self.shares), 1.0), "shares", self.shares, "1 in sum")
        _require(all(share > 0 for share in self.shares), "shares", self.shares, "above 0")
        _require(all(0 <= a <= 1 for a in self.weights), "weights", self.weights, "within [0, 1]")
        sizes = [len(counts) for counts in self.other_counts]
        sound = all(size > 1 and size != self.levels for size in sizes) and len(set(sizes)) == len(sizes)
        _require(sound, "other_counts", self.other_counts, "one list per other number of levels")
        _require(all(n >= 0 for one in self.other_counts for n in one), "other_counts", self.other_counts, "at least 0")

    def known(self, levels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Default shares and counts of answers with that many levels; empty where there are none."""
        if levels == self.levels:
            return self.shares, self.counts
        return (), next((counts for counts in self.other_counts if len(counts) == levels), ())


@dataclass(frozen=True, slots=True)
class AnswerRule:
    """How ordinal answers become score points."""

    center: float = 70.0
    """y⁰ of a customer in the middle, points."""
    spread: float = 20.0
    """Points per standard deviation of answers."""
    pseudo_answers: float = 20.0
    """Weight of the default shares against fitted counts, answers."""
    cumulative: tuple[float, ...] = (0.0, 0.08, 0.13, 0.23, 0.45, 1.0)
    """Default cumulative shares at equal steps of a scale, lowest first."""
    rating_exact_levels: int = 21
    """Ratings between whole numbers keep one level per whole number up to this many."""
    rating_wide_levels: int = 11
    """Levels of every other rating."""


_CX_LEVELS: Final = 5
_NPS_SHARES: Final = (0.06, 0.02, 0.02, 0.02, 0.04, 0.04, 0.07, 0.13, 0.15, 0.18, 0.27)
_CES_SHARES: Final = (0.05, 0.05, 0.07, 0.10, 0.18, 0.24, 0.31)
"""PERCEPTION.md gives scores as examples for NPS and CES that its interpolation of five categories misses by up to
5 points. These are the whole-percent shares closest to the interpolation that give exactly those scores."""


@dataclass(frozen=True, slots=True)
class RecoveryRule:
    """What a recovery gives back of the evidence of its failure (PERCEPTION.md, Fold)."""

    returned: float = 0.7
    """Share of the failure's weight that an instant recovery takes back."""
    half_life_ms: float = 1.0 * DAY_MS
    """Time to fix at which it takes back half of that."""
    again: float = 0.5
    """Share of the earlier failure's weight that one of the same thread adds."""
    bonus_points: float = 5.0
    """Points above the prior that being put right is worth, for ``enjoyable``."""
    bonus_weight: float = 0.1
    """Weight of that."""
    severe_from: int = 3
    """Severity from which there is no bonus."""

    def __post_init__(self) -> None:
        for name in ("returned", "again"):
            _require(0 <= getattr(self, name) <= 1, name, getattr(self, name), "within [0, 1]")
        _require(self.half_life_ms > 0, "half_life_ms", self.half_life_ms, "above 0")
        _require(self.bonus_weight >= 0, "bonus_weight", self.bonus_weight, "at least 0")


def _scales() -> Mapping[str, Scale]:
    return {
        "nps": Scale(0, 11, (0.4, 0.25, 0.5), _NPS_SHARES),
        "csat": Scale(1, 5, (0.5, 0.4, 0.5)),
        "ces": Scale(1, 7, (0.0, 0.9, 0.0), _CES_SHARES),
        "cxi_meets_needs": Scale(1, _CX_LEVELS, (1.0, 0.0, 0.0)),
        "cxi_easy": Scale(1, _CX_LEVELS, (0.0, 1.0, 0.0)),
        "cxi_enjoyable": Scale(1, _CX_LEVELS, (0.0, 0.0, 1.0)),
        "rating": Scale(0, 0, (0.5, 0.4, 0.5)),
    }


def _start_effects() -> Mapping[str, Effect]:
    return {name: signal.start for name, signal in discover().items()}


@dataclass(frozen=True, slots=True)
class Model:
    """One version of the estimate; sources of all values: PERCEPTION.md, start values."""

    version: str
    """Rows carry it; two models with different values must not share it."""
    prior_mean: Prior = 70.0
    """μ where a segment has no prior of its own, points: one number, or one per dimension."""
    segments: Mapping[str, Prior] = field(default_factory=dict)
    """μ_seg: prior mean per segment, points: one number, or one per dimension."""
    relationship: Horizon = Horizon(2.5, 130.0, 46.0, 90.0 * DAY_MS)
    """Measured on simulated customers (``make evaluate``) instead of PERCEPTION.md's 1.6, 27 and 180 d: an answer is
    about the journey too, so n is above (σ² + τ_J²)/τ_L² = 2.1; perception whose correlation halves in 180 days is
    followed best by evidence that fades in 90; in theory that leaves f = τ_L²/3 + .13·τ_J² = 52."""
    journey: Horizon = Horizon(3.25, 64.0, 45.0, 14.0 * DAY_MS)
    interaction: Horizon = Horizon(3.25, 64.0, 20.0, inf)
    answer_variance: float = 208.0
    """σ²: variance of one answer around the interaction's perception plus that around the journey, square points."""
    perception_variance: float = 258.0
    """V: true variance of one interaction's perception over all interactions, square points."""
    implicit_cap: float = 0.38
    """Most weight that the implicit signals of one interaction can have per dimension."""
    effects: Mapping[str, Effect] = field(default_factory=_start_effects)
    """Effect per signal: the model pins which signals speak."""
    predictor: Predictor | None = field(default=None, repr=False)
    """What a fit found that features of an interaction say; None = nothing yet."""
    scales: Mapping[str, Scale] = field(default_factory=_scales)
    answers: AnswerRule = AnswerRule()
    recovery: RecoveryRule = RecoveryRule()
    expectation: tuple[float, float, float] = (0.05, 0.1, 0.2)
    """How many halvings of the way to 100 points one fresh ad, recommendation or promise leads to expect."""
    interval_deviations: float = 1.645
    """Half width of the shown interval in standard deviations: 90 %."""
    pyramid_knee: float = 40.0
    """Needs score up to which it caps the upper levels at itself, points."""
    pyramid_slope: float = 3.0
    """Points that the cap rises per point of needs above the knee."""

    def __post_init__(self) -> None:
        _require(self.implicit_cap > 0, "implicit_cap", self.implicit_cap, "above 0")
        _require(self.answer_variance > 0, "answer_variance", self.answer_variance, "above 0")
        for name, scale in self.scales.items():
            rule = f"at most {self.answers.rating_exact_levels}"
            _require(scale.levels <= self.answers.rating_exact_levels, f"levels of {name}", scale.levels, rule)
        for name in self.effects:
            if name not in discover():
                raise UnknownSignalError(name)

    def prior_of(self, segment: str) -> Triple:
        """μ of each dimension for customers of a segment, points."""
        return by_dimension(self.segments.get(segment, self.prior_mean))

    @property
    def signal_names(self) -> tuple[str, ...]:
        """The signals that speak, in order; ``Observations.signal`` is an index into it.

        A predictor speaks last, for the signals that it contains.
        """
        names = self.effect_names
        return names if self.predictor is None else (*names, PREDICTOR)

    @property
    def effect_names(self) -> tuple[str, ...]:
        """The signals that have an effect of their own, in order."""
        return tuple(sorted(self.effects))

    def signal_weight(self, effect: Effect) -> float:
        """Weight of one pseudo-observation: w = σ²/(r + τ_I²) with r = V(1-R²)/R² (PERCEPTION.md)."""
        return float(self.evidence_weight(np.array(effect.explained)))

    def evidence_weight(self, explained: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same for explained shares R² of any shape; 0 where nothing is explained."""
        told = np.maximum(explained, _LEAST_EXPLAINED)
        noise = self.perception_variance * (1 - told) / told
        return np.where(explained > 0, self.answer_variance / (noise + self.interaction.prior_variance), 0.0)

    def moved(self, horizon: Horizon) -> float:
        """What one point of b(x) adds to the sum S of a horizon: n·κ, so that the prior's mean moves by κ points.

        m = (n·(m_prior + κ·B) + S)/(n + W) with B the decayed sum of what interactions caused: answers that came since
        tell of it too, so it counts as much as the prior does. Additive like all evidence, and with no weight.
        """
        if self.predictor is None:
            return 0.0
        lasting, recent = self.predictor.stays
        if horizon is self.relationship:
            return horizon.prior_weight * lasting
        return horizon.prior_weight * recent if horizon is self.journey else 0.0

    def digest(self) -> str:
        """Eight hex digits of all values but the version: equal models, equal digits."""
        plain = replace(self, version="", segments={}, effects={}, scales={}, predictor=None)
        named = (sorted(values.items()) for values in (self.segments, self.effects, self.scales))
        learnt = () if self.predictor is None else (self.predictor.text(),)
        return hashlib.sha256(repr((plain, *named, *learnt)).encode()).hexdigest()[:8]


def start_model() -> Model:
    """The model before any fit; its version follows its values, so a changed start value or signal changes it."""
    model = Model(version="start")
    return replace(model, version=f"start-{model.digest()}")


DEFAULT_MODEL: Final = start_model()
