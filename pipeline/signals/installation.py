"""Installation on time: the technician came when it was promised, or did not.

Known by the outcome (the policy names outcomes that were missed or kept), or else by the time that it took against the
time promised. A missed one is a day at home for nothing: mostly a matter of needs and ease. b(1) -8, R² .05, as of a
fault in PERCEPTION; start prevalence 15 in 100, which gives b(0) +1.4.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from pipeline.records import FLAG_MISSED, FLAG_ON_TIME
from pipeline.signals._base import Facts, Flags, Levels, Outcome, Signal, as_level, has_flag, has_type, type_bits

_INSTALLATION: Final = type_bits("installation")


def applies(facts: Facts) -> Flags:
    """Installations."""
    return has_type(facts, _INSTALLATION)


def observed(facts: Facts) -> Levels:
    """1 = late or missed, 0 = on time, NaN = nothing was promised or nobody says how long it took."""
    took = np.where(np.isnan(facts["wait_s"]), facts["duration_s"], facts["wait_s"])
    missed, kept = has_flag(facts, FLAG_MISSED), has_flag(facts, FLAG_ON_TIME)
    timed = (facts["promised_s"] > 0) & ~np.isnan(took)
    late = np.where(missed | kept, missed, took > facts["promised_s"])
    return as_level(late, known=missed | kept | timed)


SIGNAL: Final = Signal(
    name="installation",
    meaning="whether the installation came too late",
    applies=applies,
    observed=observed,
    start=Outcome.centred(0.05, (1.0, 0.8, 0.5), present=-8.0, prevalence=0.15),
    about=int(_INSTALLATION),
)
