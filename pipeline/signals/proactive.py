"""Visible proactive service: something was done for the customer unasked, and the customer could see it.

What nobody saw is no observation (the chocolate on the pillow shows that someone was there). Its absence is none
either: it is absent from nearly every interaction, so b(0) = -D·p is 0, and as evidence it would only add weight.
A contact about it cancels it: what was to spare the customer an effort made one. Mostly a matter of joy, some of needs
and ease. b(1) +3, R² .05 (PERCEPTION start values).
"""

from __future__ import annotations

from typing import Final

from pipeline.records import FLAG_CANCELLED, FLAG_PROACTIVE_VISIBLE
from pipeline.signals._base import Facts, Flags, Levels, Outcome, Signal, as_level, has_flag, type_bits


def applies(facts: Facts) -> Flags:
    """Proactive service that was visible and that the customer did not have to ask about."""
    return has_flag(facts, FLAG_PROACTIVE_VISIBLE) & ~has_flag(facts, FLAG_CANCELLED)


def observed(facts: Facts) -> Levels:
    """1 wherever it was seen."""
    return as_level(has_flag(facts, FLAG_PROACTIVE_VISIBLE))


SIGNAL: Final = Signal(
    name="proactive",
    meaning="visible proactive service",
    applies=applies,
    observed=observed,
    start=Outcome(0.05, (0.4, 0.4, 1.0), present=3.0, absent=0.0),
    about=int(type_bits("proactive_service")),
)
