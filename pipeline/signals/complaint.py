"""Complaint: the customer complained during a contact.

A contact that closes without a complaint is the other outcome. Mostly a matter of joy: a complaint is anger put into
words; often about an unmet need, less often about effort. b -13.6/+2.2, R² .117 (PERCEPTION start values).
"""

from __future__ import annotations

from typing import Final

from pipeline.signals._base import CONTACT_TYPES, Facts, Flags, Levels, Outcome, Signal, as_level, has_type, type_bits

_CONTACT: Final = type_bits(*CONTACT_TYPES)
_COMPLAINT: Final = type_bits("complaint")


def applies(facts: Facts) -> Flags:
    """Contacts, complaints among them."""
    return has_type(facts, _CONTACT)


def observed(facts: Facts) -> Levels:
    """1 = complained, 0 = did not."""
    return as_level(has_type(facts, _COMPLAINT))


SIGNAL: Final = Signal(
    name="complaint",
    meaning="whether the customer complained",
    applies=applies,
    observed=observed,
    start=Outcome(0.117, (0.5, 0.3, 1.0), present=-13.6, absent=2.2),
    about=int(_COMPLAINT),
)
