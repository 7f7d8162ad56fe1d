"""Price complaint without competence: nobody who handled a complaint about the price could explain it.

Known for complaints whose reason the policy names a price reason and whose handler's skill is given: a price complaint
must reach someone who can explain pricing, by a pricing skill of the policy or by the very skill it needs. A matter of
needs and joy: the anger stays. b(1) -6, R² .03; PERCEPTION has no start value for it, see ``competence.py``; start
prevalence 1 in 2, which gives b(0) +6.
"""

from __future__ import annotations

from typing import Final

from pipeline.records import FLAG_PRICE, FLAG_PRICING_SKILL
from pipeline.signals._base import Facts, Flags, Levels, Outcome, Signal, as_level, has_flag, has_type, type_bits

_COMPLAINT: Final = type_bits("complaint")


def applies(facts: Facts) -> Flags:
    """Complaints about the price."""
    return has_type(facts, _COMPLAINT) & has_flag(facts, FLAG_PRICE)


def observed(facts: Facts) -> Levels:
    """1 = handled without pricing competence, 0 = with it, NaN = nobody says by whom."""
    skill, needed = facts["skill"], facts["skill_needed"]
    competent = has_flag(facts, FLAG_PRICING_SKILL) | ((needed != 0) & (skill == needed))
    return as_level(~competent, known=skill != 0)


SIGNAL: Final = Signal(
    name="price_complaint",
    meaning="whether a price complaint met nobody who can explain prices",
    applies=applies,
    observed=observed,
    start=Outcome.centred(0.03, (0.8, 0.4, 1.0), present=-6.0, prevalence=0.5),
    about=int(_COMPLAINT),
)
