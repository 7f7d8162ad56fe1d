"""Failed payment: a payment did not go through.

Applies to payments; one that goes through is the other outcome. Mostly a matter of ease (do it again), then of the
need (not paid), least of joy. b(1) -8, R² .05 (PERCEPTION); start prevalence 1 in 20, which gives b(0) +.42.
"""

from __future__ import annotations

from typing import Final

from pipeline.records import FLAG_FAILED_PAYMENT
from pipeline.signals._base import Facts, Flags, Levels, Outcome, Signal, as_level, has_flag, has_type, type_bits

_PAYMENT: Final = type_bits("payment")


def applies(facts: Facts) -> Flags:
    """Payments."""
    return has_type(facts, _PAYMENT) | has_flag(facts, FLAG_FAILED_PAYMENT)


def observed(facts: Facts) -> Levels:
    """1 = a payment failed, 0 = none did."""
    return as_level(has_flag(facts, FLAG_FAILED_PAYMENT))


SIGNAL: Final = Signal(
    name="failed_payment",
    meaning="whether a payment failed",
    applies=applies,
    observed=observed,
    start=Outcome.centred(0.05, (0.6, 1.0, 0.4), present=-8.0, prevalence=0.05),
    about=int(_PAYMENT),
)
