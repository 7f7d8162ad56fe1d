"""Unresolved: the customer's concern was left open at the end of a contact.

Known only where ``resolved`` is given. Mostly a matter of needs: the customer came for a solution; having to go on
looking for one is effort, and costs some joy. b -23.7/+5.9, R² .35 (PERCEPTION start values).
"""

from __future__ import annotations

from typing import Final

from pipeline.signals._base import CONTACT_TYPES, Facts, Flags, Levels, Outcome, Signal, as_level, has_type, type_bits

_CONTACT: Final = type_bits(*CONTACT_TYPES)


def applies(facts: Facts) -> Flags:
    """Contacts."""
    return has_type(facts, _CONTACT)


def observed(facts: Facts) -> Levels:
    """1 = unresolved, 0 = resolved, NaN = not said."""
    resolved = facts["resolved"]
    return as_level(resolved == 0, known=resolved >= 0)


SIGNAL: Final = Signal(
    name="resolved",
    meaning="whether the concern was resolved",
    applies=applies,
    observed=observed,
    start=Outcome(0.35, (1.0, 0.5, 0.4), present=-23.7, absent=5.9),
    about=int(_CONTACT),
    always=True,
)
