"""Every setting as a variable of the environment: name, type, default and meaning, read off the settings' classes."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from itertools import pairwise
from pathlib import Path
from types import NoneType
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo

from jobs.durations import duration_text
from jobs.reference.errors import UndocumentedError
from jobs.sections import PREFIX
from jobs.settings import Settings
from pipeline.policy import Policy
from schemas.limits import Limits

HERE: Final = "<current directory>"
_TYPES: Final = {bool: "true or false", int: "whole number", float: "number", str: "text", SecretStr: "secret"}
_BOUNDS: Final = {"gt": "> {}", "ge": "≥ {}", "lt": "< {}", "le": "≤ {}"}


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the environment; ``default`` is its text, or None if it is not given by default."""

    name: str
    type: str
    default: str | None
    description: str


@dataclass(frozen=True, slots=True)
class Section:
    """Variables with a common prefix, and what they are about."""

    name: str
    about: str
    variables: tuple[Variable, ...]


def sections() -> Iterator[Section]:
    """All settings, section by section, in the order of their declaration."""
    for name, info in Settings.model_fields.items():
        kind, prefix = info.annotation, f"{PREFIX}{name.upper()}__"
        if kind in (Policy, Limits):
            yield Section(name, _summary(kind), tuple(_of_dataclass(kind, prefix)))
        else:
            yield from _of_model(name, kind, prefix)


def _of_model(name: str, model: Any, prefix: str) -> Iterator[Section]:
    nested = {field: info for field, info in model.model_fields.items() if _is_model(info.annotation)}
    plain = {field: info for field, info in model.model_fields.items() if field not in nested}
    yield Section(name, _summary(model), tuple(_of_field(prefix, *item) for item in plain.items()))
    for field, info in nested.items():
        yield from _of_model(f"{name}, {field}", info.annotation, f"{prefix}{field.upper()}__")


def _is_model(kind: Any) -> bool:
    return inspect.isclass(kind) and issubclass(kind, BaseModel)


def _summary(kind: Any) -> str:
    return (inspect.getdoc(kind) or "").split("\n\n", maxsplit=1)[0]


def _of_field(prefix: str, name: str, info: FieldInfo) -> Variable:
    full = f"{prefix}{name.upper()}"
    if not info.description:
        raise UndocumentedError(full)
    duration = any(isinstance(item, BeforeValidator) for item in info.metadata)
    default = info.get_default(call_default_factory=True)
    return Variable(full, "duration" if duration else _type(info), _text(default, duration=duration), info.description)


def _type(info: FieldInfo) -> str:
    kinds = [kind for kind in get_args(info.annotation) or (info.annotation,) if kind is not NoneType]
    if get_origin(info.annotation) is Literal or get_origin(kinds[0]) is Literal:
        options = kinds if get_origin(info.annotation) is Literal else get_args(kinds[0])
        return f"one of {', '.join(map(str, options))}"
    bounds = [
        text.format(f"{getattr(item, name):,}")
        for item in info.metadata
        for name, text in _BOUNDS.items()
        if hasattr(item, name)
    ]
    return " ".join([_TYPES[kinds[0]], ", ".join(bounds)]).strip()


def _text(value: Any, *, duration: bool) -> str | None:
    if value is None:
        return None
    if duration:
        return duration_text(round(value * 1_000))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace(str(Path.cwd()), HERE)


def _of_dataclass(kind: type[Policy | Limits], prefix: str) -> Iterator[Variable]:
    documented = attribute_docstrings(kind)
    for field in fields(kind):
        full = f"{prefix}{field.name.removesuffix('_ms').upper()}"
        if field.name not in documented:
            raise UndocumentedError(full)
        yield Variable(full, *_kind_and_default(field), documented[field.name].replace("_ms``", "``"))


def _kind_and_default(field: Field[Any]) -> tuple[str, str]:
    default: Any = field.default if field.default_factory is MISSING else field.default_factory()
    if isinstance(default, Mapping):
        texts = {name: duration_text(gap) for name, gap in default.items()}
        return "JSON object, name to duration", json.dumps(texts)
    if isinstance(default, frozenset):
        return "words, comma separated", ",".join(sorted(default))
    if field.name.endswith("_ms"):
        return "duration", duration_text(default)
    return ("whole number", str(default)) if isinstance(default, int) else ("number", f"{default:g}")


def attribute_docstrings(kind: type) -> dict[str, str]:
    """The string below each attribute of a class, which Python itself forgets."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    return {
        attribute.target.id: inspect.cleandoc(below.value.value)
        for attribute, below in pairwise(body.body)
        if isinstance(attribute, ast.AnnAssign) and isinstance(attribute.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
    }
