"""Rules about single customers: things that somebody should hear of, whatever the averages say.

One file, one rule: a module of this package whose name has no leading underscore and which holds ``RULE``. It is found
by walking the package, and the laws in ``tests/detect`` are checked for it without an edit.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from pipeline.detect.rules._base import Found, Rule, Seen

__all__ = ["Found", "Rule", "Seen", "discover"]


@cache
def discover() -> Mapping[str, Rule]:
    """Every rule of the package by name, in order of name."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    return MappingProxyType({name: _load(name) for name in names})


def _load(name: str) -> Rule:
    rule = importlib.import_module(f"{__name__}.{name}").RULE
    if not isinstance(rule, Rule) or rule.name != name:
        raise TypeError(f"pipeline/detect/rules/{name}.py must hold RULE = Rule(name={name!r}, …)")
    return rule
