"""Other channel first: the customer had tried another channel about the same reason before this contact.

Known for contacts that name a reason; a visit to the site about it is a try too. Mostly a matter of ease: the first way
did not lead there (Dixon, Freeman and Toman, Harvard Business Review 2010). b -5.7/+2.4, R² .054 (PERCEPTION start
values). The look back itself is in ``pipeline/lookback.py``.
"""

from __future__ import annotations

from typing import Final

from pipeline.records import FLAG_ASKED, FLAG_OTHER_CHANNEL
from pipeline.signals._base import Facts, Flags, Levels, Outcome, Signal, as_level, has_flag


def applies(facts: Facts) -> Flags:
    """Contacts with a reason."""
    return has_flag(facts, FLAG_ASKED)


def observed(facts: Facts) -> Levels:
    """1 = another channel was tried first, 0 = none was."""
    return as_level(has_flag(facts, FLAG_OTHER_CHANNEL))


SIGNAL: Final = Signal(
    name="other_channel",
    meaning="whether another channel was tried first",
    applies=applies,
    observed=observed,
    start=Outcome(0.054, (0.3, 1.0, 0.4), present=-5.7, absent=2.4),
)
