"""What stands where in a model file: reader and writer both follow these lists.

The file's ``name`` and its values make the version that rows carry, ``<name>-<digest>``: an edited file is another
version by itself. Half-lives are in days, rounded to whole milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final

from pipeline.model import AnswerRule, Horizon, RecoveryRule, Scale
from pipeline.policy import DAY_MS
from pipeline.predictor import Bins, Feature, Levels, Line
from pipeline.priors import Prior
from pipeline.signals import Effect, Outcome, Slope
from schemas.tables import DIMENSIONS

FORMAT: Final = 1
"""Of the file; a reader refuses others."""
KINDS: Final[Mapping[str, type[Effect]]] = {"outcome": Outcome, "slope": Slope}
"""Forms of a signal's effect by the name that the file gives them."""
HORIZONS: Final = ("relationship", "journey", "interaction")

Check = Callable[[object], Any]
"""The value as the model takes it; raises ValueError that says what is wanted."""


def number(value: object) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a finite number")
    return float(value)


def points(value: object) -> float:
    """A score."""
    if not 0 <= (given := number(value)) <= 100:
        raise ValueError("a number from 0 to 100")
    return given


def prior(value: object) -> Prior:
    """A score, or one per dimension."""
    if not isinstance(value, list):
        return points(value)
    if len(value) != len(DIMENSIONS):
        raise ValueError("a number from 0 to 100, or three: meets_needs, easy, enjoyable")
    first, second, third = map(points, value)
    return first, second, third


def positive(value: object) -> float:
    """A number above 0."""
    if (given := number(value)) <= 0:
        raise ValueError("a number above 0")
    return given


def whole(value: object) -> int:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("a whole number")  # noqa: TRY004 - all checks raise one kind
    return value


def days(value: object) -> float:
    """Days above 0, or inf, as milliseconds."""
    return math.inf if value == math.inf else float(round(positive(value) * DAY_MS))


def numbers(value: object) -> tuple[float, ...]:
    """A list of numbers."""
    if not isinstance(value, list):
        raise ValueError("a list of numbers")  # noqa: TRY004 - all checks raise one kind
    return tuple(number(item) for item in value)


def three(value: object) -> tuple[float, ...]:
    """One number per dimension."""
    if len(given := numbers(value)) != 3:
        raise ValueError("three numbers: meets_needs, easy, enjoyable")
    return given


def two(value: object) -> tuple[float, ...]:
    """One number for the relationship, one for the journey."""
    if len(given := numbers(value)) != 2:
        raise ValueError("two numbers: relationship, journey")
    return given


def lists(value: object) -> tuple[tuple[float, ...], ...]:
    """A list of lists of numbers."""
    if not isinstance(value, list):
        raise ValueError("a list of lists of numbers")  # noqa: TRY004 - all checks raise one kind
    return tuple(numbers(item) for item in value)


def triples(value: object) -> tuple[tuple[float, ...], ...]:
    """A list with one number per dimension in each item."""
    if not isinstance(value, list):
        raise ValueError("a list of three numbers each")  # noqa: TRY004 - all checks raise one kind
    return tuple(three(item) for item in value)


def named(value: object) -> dict[str, tuple[float, ...]]:
    """One number per dimension by name."""
    if not isinstance(value, dict):
        raise ValueError("a table of three numbers each")  # noqa: TRY004 - all checks raise one kind
    return {name: three(item) for name, item in value.items()}


def texts(value: object) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("a list of texts")
    return tuple(value)


def flag(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false")  # noqa: TRY004 - all checks raise one kind
    return value


TOP: Final[Mapping[str, Check]] = {
    "prior_mean": prior,
    "answer_variance": positive,
    "perception_variance": positive,
    "implicit_cap": positive,
    "interval_deviations": positive,
    "pyramid_knee": points,
    "pyramid_slope": positive,
    "expectation": three,
}
"""Numbers of the model by name."""
HORIZON: Final[Mapping[str, Check]] = {
    **{field.name: number for field in fields(Horizon) if field.name != "half_life_ms"},
    "half_life_days": days,
}
ANSWERS: Final[Mapping[str, Check]] = {
    field.name: {"cumulative": numbers, "rating_exact_levels": whole, "rating_wide_levels": whole}.get(
        field.name, positive
    )
    for field in fields(AnswerRule)
}
RECOVERY: Final[Mapping[str, Check]] = {
    **{field.name: number for field in fields(RecoveryRule) if field.name != "half_life_ms"},
    "severe_from": whole,
    "half_life_days": days,
}
SCALE: Final[Mapping[str, Check]] = {
    field.name: {"first": whole, "levels": whole, "weights": three, "other_counts": lists}.get(field.name, numbers)
    for field in fields(Scale)
}
SCALE_OPTIONAL: Final = frozenset({"shares", "counts", "other_counts"})
FEATURES: Final[Mapping[str, type[Feature]]] = {"line": Line, "bins": Bins, "levels": Levels}
"""Forms of a feature of the predictor by the name that the file gives them."""
FEATURE_OPTIONAL: Final = frozenset({"base", "missing", "other", "types", "logarithm"})


def feature_checks(kind: type[Feature]) -> Mapping[str, Check]:
    """The values of one form of feature."""
    special: dict[str, Check] = {"levels": named, "effects": triples, "types": texts, "logarithm": flag}
    special |= {"edges": numbers, **dict.fromkeys(("share", "slope", "base", "missing", "other"), three)}
    return {field.name: special.get(field.name, number) for field in fields(kind)}


def effect_checks(kind: type[Effect]) -> Mapping[str, Check]:
    """The values of one form of effect."""
    return {field.name: three if field.name == "shares" else number for field in fields(kind)}
