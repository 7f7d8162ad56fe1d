"""Implicit signals: what an interaction tells about its perception without asking.

One file, one signal: a module of this package whose name has no leading underscore and which holds ``SIGNAL``.
It is found by walking the package, and the contract suite in ``tests/perceive`` tests it without an edit.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from pipeline.signals._base import Effect, Outcome, Signal, Slope

__all__ = ["Effect", "Outcome", "Signal", "Slope", "discover"]


@cache
def discover() -> Mapping[str, Signal]:
    """Every signal of the package by name, in order of name."""
    modules = (module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    signals = (_load(name) for name in sorted(modules))
    return MappingProxyType({signal.name: signal for signal in signals})


def _load(name: str) -> Signal:
    signal = importlib.import_module(f"{__name__}.{name}").SIGNAL
    if not isinstance(signal, Signal) or signal.name != name:
        raise TypeError(f"pipeline/signals/{name}.py must hold SIGNAL = Signal(name={name!r}, …)")
    return signal
