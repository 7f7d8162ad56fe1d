"""Repeat contact: the customer had been in touch about the same reason before, within the policy's repeat window.

Known for contacts that name a reason. A matter of needs and ease alike: what was to be settled is not, and asking again
is effort; it wears on the customer too. b -8.4/+3.3, R² .106, 7 days (PERCEPTION start values). The look back itself is
in ``pipeline/lookback.py``.
"""

from __future__ import annotations

from typing import Final

from pipeline.records import FLAG_ASKED, FLAG_REPEAT
from pipeline.signals._base import Facts, Flags, Levels, Outcome, Signal, as_level, has_flag


def applies(facts: Facts) -> Flags:
    """Contacts with a reason."""
    return has_flag(facts, FLAG_ASKED)


def observed(facts: Facts) -> Levels:
    """1 = in touch before about the same, 0 = not."""
    return as_level(has_flag(facts, FLAG_REPEAT))


SIGNAL: Final = Signal(
    name="repeat_contact",
    meaning="whether the customer had to get in touch again about the same",
    applies=applies,
    observed=observed,
    start=Outcome(0.106, (1.0, 1.0, 0.5), present=-8.4, absent=3.3),
)
