"""Detectors: each gathers evidence per cell that something is happening, bucket by bucket.

One file, one detector: a module of this package whose name has no leading underscore and which holds ``DETECTOR``.
It is found by walking the package, and the laws in ``tests/detect`` are checked for it without an edit.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from pipeline.detect.detectors._base import Detector, Evidence, Seen

__all__ = ["Detector", "Evidence", "Seen", "discover"]


@cache
def discover() -> Mapping[str, Detector]:
    """Every detector of the package by name, in order of name."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    return MappingProxyType({name: _load(name) for name in names})


def _load(name: str) -> Detector:
    detector = importlib.import_module(f"{__name__}.{name}").DETECTOR
    if not isinstance(detector, Detector) or detector.name != name:
        raise TypeError(f"pipeline/detect/detectors/{name}.py must hold DETECTOR = Detector(name={name!r}, …)")
    return detector
