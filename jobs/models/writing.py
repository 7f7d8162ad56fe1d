"""From a model to TOML that reads back as the same values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Final

from jobs.models.schema import ANSWERS, FEATURES, FORMAT, HORIZONS, KINDS, RECOVERY, SCALE, SCALE_OPTIONAL, TOP
from pipeline.model import Horizon, Model, RecoveryRule
from pipeline.policy import DAY_MS
from pipeline.predictor import Predictor
from pipeline.signals import discover

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPED: Final = {'"': '\\"', "\\": "\\\\"}
_HEAD: Final = """\
# The perception model; every value is needed. `perception model check FILE` names what is wrong.
# Rows carry the version <name>-<digest of the values>: change a value and it is another version.
"""


def dump(model: Model) -> str:
    """The model as a TOML text; half-lives to the millisecond, all else exactly."""
    head = {"format": FORMAT, "name": model_name(model), **{name: getattr(model, name) for name in TOP}}
    sections = "".join(f"\n[{name}]\n{_lines(values)}" for name, values in _sections(model))
    return f"{_HEAD}{_lines(head)}{sections}"


def model_name(model: Model) -> str:
    """The version without the digest that it ends with."""
    return model.version.removesuffix(f"-{model.digest()}") or "model"


def _sections(model: Model) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name in HORIZONS:
        yield name, _in_days(getattr(model, name))
    yield "recovery", {name: _in_days(model.recovery)[name] for name in RECOVERY}
    yield "answers", {name: getattr(model.answers, name) for name in ANSWERS}
    yield "segments", model.segments
    yield "scales", {}
    for name, scale in model.scales.items():
        values = {field: getattr(scale, field) for field in SCALE}
        yield (
            f"scales.{_key(name)}",
            {key: value for key, value in values.items() if value or key not in SCALE_OPTIONAL},
        )
    yield "signals", {}
    for name, effect in model.effects.items():
        kind = next(text for text, form in KINDS.items() if type(effect) is form)
        values = {field.name: getattr(effect, field.name) for field in fields(effect)}
        yield f"signals.{_key(name)}", {"#": discover()[name].meaning, "kind": kind, **values}
    if model.predictor is not None:
        yield from _predictor(model.predictor)


def _predictor(predictor: Predictor) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "predictor", {name: getattr(predictor, name) for name in ("role", "explained", "constant", "stays")}
    for source, feature in sorted(predictor.features.items()):
        kind = next(text for text, form in FEATURES.items() if type(feature) is form)
        values = {one.name: getattr(feature, one.name) for one in fields(feature)}
        levels = values.pop("levels", None)
        place = f"predictor.features.{_key(source)}"
        yield place, {"kind": kind, **values}
        if levels is not None:
            yield f"{place}.levels", levels


def _in_days(part: Horizon | RecoveryRule) -> dict[str, float]:
    values = {field.name: getattr(part, field.name) for field in fields(part)}
    days = values.pop("half_life_ms") / DAY_MS
    return {**values, "half_life_days": days}


def _lines(values: Mapping[str, Any]) -> str:
    return "".join(_line(name, value) for name, value in values.items())


def _line(name: str, value: Any) -> str:
    if name == "#" and isinstance(value, str):
        return f"# {value}\n"
    return f"{_key(name)} = {_value(value)}\n"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    return repr(value)


def _text(value: str) -> str:
    return '"' + "".join(_character(one) for one in value) + '"'


def _character(one: str) -> str:
    return _ESCAPED.get(one, one if one.isprintable() else f"\\U{ord(one):08x}")
