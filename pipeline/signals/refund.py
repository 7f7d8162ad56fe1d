"""Refund: the customer got money back.

Applies to payments; one without a refund is the other outcome. A matter of needs and joy alike: the wrong is put
right, and it feels so; least of ease. b(1) +3, R² .05 (PERCEPTION); start prevalence 1 in 20, which gives b(0) -.16.
"""

from __future__ import annotations

from typing import Final

from pipeline.records import FLAG_REFUND
from pipeline.signals._base import Facts, Flags, Levels, Outcome, Signal, as_level, has_flag, has_type, type_bits

_PAYMENT: Final = type_bits("payment")


def applies(facts: Facts) -> Flags:
    """Payments, refunds among them."""
    return has_type(facts, _PAYMENT) | has_flag(facts, FLAG_REFUND)


def observed(facts: Facts) -> Levels:
    """1 = refunded, 0 = not."""
    return as_level(has_flag(facts, FLAG_REFUND))


SIGNAL: Final = Signal(
    name="refund",
    meaning="whether money was refunded",
    applies=applies,
    observed=observed,
    start=Outcome.centred(0.05, (0.8, 0.3, 0.8), present=3.0, prevalence=0.05),
    about=int(_PAYMENT),
)
