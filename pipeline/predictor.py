"""The fitted predictor: one ridge regression per dimension, from what an interaction carries to its perception.

``b(x) = Σ_k β_k(x_k - x̄_k)`` in score points (PERCEPTION.md, "Fitted"). A feature is a measure, an attribute, a field
or a signal; it adds its effect to b where it is known, and its part of the explained share R² to the weight.
Everything is summed feature by feature: a matrix product could round differently in another batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.batch import Texts
from pipeline.signals import discover
from schemas.event import EVENT_TYPES

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Column = NDArray[np.float64] | Texts
"""A feature of some interactions: numbers (NaN = not known) or texts (empty = not known)."""
Triple = tuple[float, float, float]
"""A value per dimension, in the order of ``schemas.tables.DIMENSIONS``."""

SYMPTOM: Final = "symptom"
"""Features show a perception that lasts: they are evidence, one pseudo-observation."""
CAUSE: Final = "cause"
"""Features move this one interaction: they predict it, and answers are freed of them before they count for longer."""
ROLES: Final = (SYMPTOM, CAUSE)
MEASURES: Final = "measures."
ATTRIBUTES: Final = "attributes."
SIGNALS: Final = "signals."
FIELDS: Final = ("channel", "touchpoint", "outcome", "reason", "team", "skill", "skill_needed")
"""Text fields of an interaction that can be features."""
NUMBERS: Final = ("severity", "transfers", "wait_s", "promised_s", "duration_s", "amount")
"""Numbers of an interaction that can be features."""
NOTHING: Final[Triple] = (0.0, 0.0, 0.0)
NOWHERE: Final = (0.0, 0.0)


def _require(sound: bool, rule: str) -> None:
    if not sound:
        raise ValueError(rule)


@dataclass(frozen=True, slots=True)
class Line:
    """A number with an effect per unit, or per natural logarithm of it: ``base`` + ``slope``·(value - ``mean``)."""

    slope: Triple
    mean: float
    """Of the (transformed) numbers that the fit saw."""
    low: float
    """Smaller numbers count as this."""
    high: float
    share: Triple
    """Part of the predictor's R² that comes from this feature."""
    base: Triple = NOTHING
    """Effect of giving an average number at all, points: what keeps the mean of all effects at 0."""
    missing: Triple = NOTHING
    """Effect where the number could have been given and was not, points."""
    types: tuple[str, ...] = ()
    """Event types that bring it: an interaction with one of them could have given it."""
    logarithm: bool = False

    def __post_init__(self) -> None:
        _require(self.low <= self.high, "low must be at most high")
        _require(not self.logarithm or self.low > 0, "low must be above 0 for a logarithm")
        _check(self.share, self.types)

    def effect(self, values: NDArray[Any]) -> Floats:
        """Effect in points, shape (n, 3); NaN where the number is NaN."""
        level = np.clip(values, self.low, self.high)
        level = (np.log(level) if self.logarithm else level) - self.mean
        return np.stack([level * slope + base for slope, base in zip(self.slope, self.base, strict=True)], axis=1)


@dataclass(frozen=True, slots=True)
class Bins:
    """A number with an effect of its own per bin: bin i is from ``edges[i - 1]`` to below ``edges[i]``."""

    edges: tuple[float, ...]
    effects: tuple[Triple, ...]
    share: Triple
    missing: Triple = NOTHING
    types: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require(len(self.effects) == len(self.edges) + 1, "effects must be one more than edges")
        _require(all(a < b for a, b in zip(self.edges, self.edges[1:], strict=False)), "edges must rise")
        _check(self.share, self.types)

    def effect(self, values: NDArray[Any]) -> Floats:
        """Effect in points, shape (n, 3); NaN where the number is NaN."""
        place = np.searchsorted(np.array(self.edges), values, "right")
        found = np.array(self.effects)[np.minimum(place, len(self.edges))]
        found[np.isnan(values)] = np.nan
        return np.asarray(found)


@dataclass(frozen=True, slots=True)
class Levels:
    """A text with an effect per level, shrunk by how often it was seen."""

    levels: Mapping[str, Triple]
    share: Triple
    other: Triple = NOTHING
    """Effect of every level that is not listed."""
    missing: Triple = NOTHING
    types: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require("" not in self.levels, "a level must not be empty: that is missing")
        _check(self.share, self.types)

    def effect(self, texts: Texts) -> Floats:
        """Effect in points, shape (n, 3); NaN where the text is empty."""
        place, named = texts.compact()
        nothing = (np.nan, np.nan, np.nan)
        table = [self.levels.get(name, self.other) if name else nothing for name in named]
        return np.asarray(np.array(table).reshape(-1, 3)[place])


def _check(share: Triple, types: tuple[str, ...]) -> None:
    _require(all(0 <= part <= 1 for part in share), "share must be within [0, 1]")
    for name in types:
        _require(name in EVENT_TYPES, f"types: there is no event type {name}")


Feature = Line | Bins | Levels


@dataclass(frozen=True, slots=True)
class Prediction:
    """What features say; shape (n, 3) each."""

    shift: Floats
    """b(x), points; 0 where nothing is known."""
    explained: Floats
    """R² of what is known."""


@dataclass(frozen=True, slots=True)
class Predictor:
    """A fitted predictor, part of the model."""

    role: str
    explained: Triple
    """R² of an interaction's perception when all features are known, per dimension."""
    features: Mapping[str, Feature] = field(default_factory=dict)
    """By source: ``measures.NAME``, ``attributes.NAME``, ``signals.NAME`` or a field of the event."""
    constant: Triple = NOTHING
    """Effect of an interaction of which no feature is known, points: what keeps the mean of all interactions at 0."""
    stays: tuple[float, float] = NOWHERE
    """Share of b(x) that stays with the customer, of causes: in the relationship and in the journey."""

    def __post_init__(self) -> None:
        _require(all(0 <= part <= 1 for part in self.stays), "stays must be within [0, 1]")
        _require(self.role == CAUSE or self.stays == NOWHERE, "stays is of causes only")
        _require(self.role in ROLES, f"role must be one of {', '.join(ROLES)}")
        _require(all(0 <= part < 1 for part in self.explained), "explained must be within [0, 1)")
        _require(bool(self.features), "features must not be empty")
        for source, feature in self.features.items():
            kinds = kinds_of(source)
            _require(bool(kinds), f"features: there is nothing called {source}")
            _require(isinstance(feature, kinds), f"features.{source} is of the wrong kind")

    @property
    def journey_wide(self) -> bool:
        """Whether it looks at all of a journey so far; one of which a part stays adds up single interactions."""
        return not any(self.stays)

    @property
    def signals(self) -> frozenset[str]:
        """Signals that the predictor contains: they say nothing beside it."""
        names = (source.removeprefix(SIGNALS) for source in self.features if source.startswith(SIGNALS))
        return frozenset(names)

    def text(self) -> str:
        """All values, in one order: part of the model's digest."""
        features = [
            (source, sorted(one.levels.items()), one.share, one.other, one.missing, one.types)
            if isinstance(one, Levels)
            else (source, repr(one))
            for source, one in sorted(self.features.items())
        ]
        return repr((self.role, self.explained, features, self.constant, self.stays))

    def predict(self, columns: Mapping[str, Column], missing: Mapping[str, Flags]) -> Prediction:
        """b(x) and R² from a column per feature (NaN or empty = not known), shape (n,) each.

        ``missing`` says where a feature that is not known is known to be missing.
        """
        count = len(next(iter(columns.values())))
        shift, known = np.tile(self.constant, (count, 1)), np.zeros((count, 3))
        for source, effect in self.parts(columns, missing).items():
            told = ~np.isnan(effect[:, :1])
            shift += np.where(told, effect, 0.0)
            known += told * np.array(self.features[source].share)
        return Prediction(shift, np.minimum(known, 1.0) * np.array(self.explained))

    def parts(self, columns: Mapping[str, Column], missing: Mapping[str, Flags]) -> dict[str, Floats]:
        """Effect of each feature in points, shape (n, 3) each; NaN where nothing is known."""
        found: dict[str, Floats] = {}
        for source, feature in self.features.items():
            effect = feature.effect(columns[source])  # type: ignore[arg-type]  # kinds_of() pairs them
            effect[np.isnan(effect[:, 0]) & missing[source]] = feature.missing
            found[source] = effect
        return found


def kinds_of(source: str) -> tuple[type[Any], ...]:
    """Forms that a feature of this source can have; empty if there is no such source."""
    if source in NUMBERS or (source.startswith(MEASURES) and source != MEASURES):
        return (Line, Bins)
    if source in FIELDS or (source.startswith(ATTRIBUTES) and source != ATTRIBUTES):
        return (Levels,)
    return (Line, Bins) if source.startswith(SIGNALS) and source.removeprefix(SIGNALS) in discover() else ()
