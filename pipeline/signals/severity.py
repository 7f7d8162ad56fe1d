"""Severity: how bad a failure was, on top of that something failed (``failure.py``).

Known for failures whose severity is given, 1 minor to 4 critical. Mostly a matter of needs: the worse it is, the less
the thing does what it was bought for. -4 points per step away from moderate (2), clipped at ±8, which with the
failure's own -8 makes -4 to -16; R² .02, half of a fault's in PERCEPTION, because it only adds to what that says.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from pipeline.signals._base import Facts, Flags, Levels, Signal, Slope, has_type, type_bits

_FAILURE: Final = type_bits("failure")


def applies(facts: Facts) -> Flags:
    """Failures."""
    return has_type(facts, _FAILURE)


def observed(facts: Facts) -> Levels:
    """Severity 1 to 4; NaN = not given."""
    severity = facts["severity"]
    return np.where(severity > 0, severity, np.nan)


SIGNAL: Final = Signal(
    name="severity",
    meaning="how severe the failure was",
    applies=applies,
    observed=observed,
    start=Slope(0.02, (1.0, 0.5, 0.5), per_unit=-4.0, mean=2.0, limit=8.0),
    about=int(_FAILURE),
)
