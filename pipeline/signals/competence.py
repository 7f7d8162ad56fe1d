"""Competence: whoever handled the contact lacked the skill that it needed.

Known where both ``skill`` and ``skill_needed`` are given. Mostly a matter of needs: the best suited person should get
the job. b(1) -6, R² .03; PERCEPTION has no start value for it, so it is weaker than a fault until a fit says more;
start prevalence 1 in 4, which gives b(0) +2.
"""

from __future__ import annotations

from typing import Final

from pipeline.signals._base import CONTACT_TYPES, Facts, Flags, Levels, Outcome, Signal, as_level, has_type, type_bits

_CONTACT: Final = type_bits(*CONTACT_TYPES)


def applies(facts: Facts) -> Flags:
    """Contacts."""
    return has_type(facts, _CONTACT)


def observed(facts: Facts) -> Levels:
    """1 = another skill than the one needed, 0 = the one needed, NaN = not known."""
    known = (facts["skill"] != 0) & (facts["skill_needed"] != 0)
    return as_level(facts["skill"] != facts["skill_needed"], known=known)


SIGNAL: Final = Signal(
    name="competence",
    meaning="whether the one who handled it lacked the skill it needs",
    applies=applies,
    observed=observed,
    start=Outcome.centred(0.03, (1.0, 0.7, 0.8), present=-6.0, prevalence=0.25),
    about=int(_CONTACT),
)
