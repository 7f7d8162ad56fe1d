"""Failure: the product or service broke while the customer relied on it.

Applies to failures and to use, deliveries and installations; one without a failure is the other outcome. Mostly a
matter of needs: the thing does not do what it was bought for. b(1) -8, R² .05 (PERCEPTION); start prevalence 1 in 20,
which gives b(0) +.42.
"""

from __future__ import annotations

from typing import Final

from pipeline.signals._base import Facts, Flags, Levels, Outcome, Signal, as_level, has_type, type_bits

_FAILURE: Final = type_bits("failure")
_RELIANCE: Final = type_bits("failure", "use", "delivery", "installation")


def applies(facts: Facts) -> Flags:
    """Where the customer relies on the product or on a service being done."""
    return has_type(facts, _RELIANCE)


def observed(facts: Facts) -> Levels:
    """1 = something failed, 0 = nothing did."""
    return as_level(has_type(facts, _FAILURE))


SIGNAL: Final = Signal(
    name="failure",
    meaning="whether the product or service failed",
    applies=applies,
    observed=observed,
    start=Outcome.centred(0.05, (1.0, 0.5, 0.5), present=-8.0, prevalence=0.05),
    about=int(_FAILURE),
)
