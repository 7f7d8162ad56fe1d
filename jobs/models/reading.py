"""From TOML to a model; every problem of a file is named at once, with its place."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from jobs.errors import ModelFileError
from jobs.models.schema import (
    ANSWERS,
    FEATURE_OPTIONAL,
    FEATURES,
    FORMAT,
    HORIZON,
    HORIZONS,
    KINDS,
    RECOVERY,
    SCALE,
    SCALE_OPTIONAL,
    TOP,
    Check,
    effect_checks,
    feature_checks,
    prior,
    three,
    two,
)
from pipeline.model import AnswerRule, Horizon, Model, RecoveryRule, Scale
from pipeline.predictor import Predictor
from pipeline.priors import Prior
from pipeline.signals import Effect, discover
from schemas.event import SCALES

_NOTHING: Final[AbstractSet[str]] = frozenset()
_ACTION: Final = "Correct the file; `perception model default` prints a complete one."
_SECTIONS: Final = ("answers", *HORIZONS, "recovery", "segments", "scales", "signals", "predictor")


def read(path: Path) -> Model:
    """The model in a file. Raises :class:`jobs.errors.ModelFileError` with all problems of the file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFileError(f"{path} cannot be read: {error}", action="Name a model file that exists.") from None
    return parse(text, str(path))


def parse(text: str, where: str = "model") -> Model:
    """The model in a TOML text; ``where`` names it in errors. Raises :class:`jobs.errors.ModelFileError`."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelFileError(f"{where} is no TOML: {error}", action=_ACTION) from None
    if table.get("format") != FORMAT:
        raise ModelFileError(
            f"{where}: format is {table.get('format')!r}, this release reads {FORMAT}",
            action=f"Write format = {FORMAT} if the file was made for this release, or run the release that made it.",
        )
    problems: list[str] = []
    model = _model(table, problems)
    if model is None or problems:
        raise ModelFileError("\n".join(f"{where}: {problem}" for problem in problems), action=_ACTION)
    return model


def _model(table: Mapping[str, Any], problems: list[str]) -> Model | None:
    plain = {key: value for key, value in table.items() if key not in {"format", *_SECTIONS}}
    values = _checked(plain, "", {"name": _name, **TOP}, problems)
    parts: dict[str, Any] = {
        "answers": _built(AnswerRule, _section(table, "answers", problems), "answers", ANSWERS, problems),
        "recovery": _built(RecoveryRule, _section(table, "recovery", problems), "recovery", RECOVERY, problems),
        "segments": _segments(_section(table, "segments", problems), problems),
        "scales": _scales(_section(table, "scales", problems), problems),
        "effects": _effects(_section(table, "signals", problems), problems),
        "predictor": _predictor(_section(table, "predictor", problems), problems) if "predictor" in table else None,
    }
    for name in HORIZONS:
        parts[name] = _built(Horizon, _section(table, name, problems), name, HORIZON, problems)
    if problems:
        return None
    name = values.pop("name")
    try:
        model = Model(version="", **values, **parts)
    except ValueError as error:
        problems.append(str(error))
        return None
    return replace(model, version=f"{name}-{model.digest()}")


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > 100 or not value.isprintable():
        raise ValueError("a text of 1 to 100 characters")
    return value


def _section(table: Mapping[str, Any], name: str, problems: list[str]) -> Mapping[str, Any]:
    found = table.get(name)
    if isinstance(found, dict):
        return found
    problems.append(f"the section [{name}] is missing" if found is None else f"{name} must be a section, [{name}]")
    return {}


def _checked(
    table: Mapping[str, Any],
    place: str,
    checks: Mapping[str, Check],
    problems: list[str],
    optional: AbstractSet[str] = _NOTHING,
) -> dict[str, Any]:
    """The values of ``table`` that pass; what is unknown, missing or wrong goes to ``problems``."""
    prefix = f"{place}." if place else ""
    problems += [f"{prefix}{name} is unknown; known are {', '.join(checks)}" for name in table if name not in checks]
    problems += [f"{prefix}{name} is missing" for name in checks if name not in table and name not in optional]
    values: dict[str, Any] = {}
    for name, check in checks.items():
        if name in table:
            try:
                values[name] = check(table[name])
            except ValueError as error:
                problems.append(f"{prefix}{name} must be {error}, is {table[name]!r}")
    return values


def _built(
    kind: type[Any],
    table: Mapping[str, Any],
    place: str,
    checks: Mapping[str, Check],
    problems: list[str],
    optional: AbstractSet[str] = _NOTHING,
) -> Any:
    """A value of ``kind``; None, with the problems, where it cannot be made."""
    known = len(problems)
    values = _checked(table, place, checks, problems, optional)
    if len(problems) > known:
        return None
    if "half_life_days" in values:
        values["half_life_ms"] = values.pop("half_life_days")
    try:
        return kind(**values)
    except ValueError as error:
        problems.append(f"{place}: {str(error).removeprefix('model: ')}")
        return None


def _segments(table: Mapping[str, Any], problems: list[str]) -> dict[str, Prior]:
    return _checked(table, "segments", dict.fromkeys(table, prior), problems)


def _tables(table: Mapping[str, Any], place: str, known: AbstractSet[str], problems: list[str]) -> Mapping[str, Any]:
    """The sub-sections of a section whose names are known."""
    for name, part in table.items():
        if name not in known:
            problems.append(f"{place}.{name} is unknown; known are {', '.join(sorted(known))}")
        elif not isinstance(part, dict):
            problems.append(f"{place}.{name} must be a section, [{place}.{name}]")
    return {name: part for name, part in table.items() if name in known and isinstance(part, dict)}


def _scales(table: Mapping[str, Any], problems: list[str]) -> dict[str, Scale]:
    parts = _tables(table, "scales", set(SCALES), problems)
    return {
        name: _built(Scale, part, f"scales.{name}", SCALE, problems, SCALE_OPTIONAL) for name, part in parts.items()
    }


def _effects(table: Mapping[str, Any], problems: list[str]) -> dict[str, Effect]:
    parts = _tables(table, "signals", set(discover()), problems)
    return {name: _effect(part, f"signals.{name}", problems) for name, part in parts.items()}


_PREDICTOR: Final = {"role": _name, "explained": three, "constant": three, "stays": two}


def _predictor(part: Mapping[str, Any], problems: list[str]) -> Any:
    """The predictor that a fit has written."""
    values = {name: value for name, value in part.items() if name != "features"}
    known = len(problems)
    features: dict[str, Any] = {}
    for name, one in _section(part, "features", problems).items():
        place = f"predictor.features.{name}"
        kind = FEATURES.get(str(one.get("kind"))) if isinstance(one, dict) else None
        if kind is None:
            problems.append(f"{place}.kind must be one of {', '.join(FEATURES)}")
            continue
        given = {key: value for key, value in one.items() if key != "kind"}
        features[name] = _built(kind, given, place, feature_checks(kind), problems, FEATURE_OPTIONAL)
    checked = _checked(values, "predictor", _PREDICTOR, problems, frozenset({"constant", "stays"}))
    if len(problems) > known:
        return None
    try:
        return Predictor(**checked, features=features)
    except ValueError as error:
        problems.append(f"predictor: {error}")
        return None


def _effect(part: Mapping[str, Any], place: str, problems: list[str]) -> Any:
    kind = KINDS.get(str(part.get("kind")))
    if kind is None:
        problems.append(f"{place}.kind must be one of {', '.join(KINDS)}, is {part.get('kind')!r}")
        return None
    values = {name: value for name, value in part.items() if name != "kind"}
    return _built(kind, values, place, effect_checks(kind), problems)
