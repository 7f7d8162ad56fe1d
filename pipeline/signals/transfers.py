"""Second transfer: the customer was handed on twice or more within one contact.

Known only where ``transfers`` is given; the first transfer is normal routing. Mostly a matter of ease: telling the
story again is effort; some of it is time without a solution and annoyance. b -5.7/+2.5, R² .055 (PERCEPTION).
"""

from __future__ import annotations

from typing import Final

from pipeline.signals._base import CONTACT_TYPES, Facts, Flags, Levels, Outcome, Signal, as_level, has_type, type_bits

_CONTACT: Final = type_bits(*CONTACT_TYPES)
_TOO_MANY: Final = 2


def applies(facts: Facts) -> Flags:
    """Contacts."""
    return has_type(facts, _CONTACT)


def observed(facts: Facts) -> Levels:
    """1 = two or more transfers, 0 = fewer, NaN = not counted."""
    transfers = facts["transfers"]
    return as_level(transfers >= _TOO_MANY, known=transfers >= 0)


SIGNAL: Final = Signal(
    name="transfers",
    meaning="whether the customer was transferred more than once",
    applies=applies,
    observed=observed,
    start=Outcome(0.055, (0.3, 1.0, 0.4), present=-5.7, absent=2.5),
    about=int(_CONTACT),
)
