"""Wrong bill: the customer has to do with a bill that is wrong.

Known for interactions about a bill, right or wrong, by the reasons that the policy names. A matter of needs, of the
effort to put it right, and of anger alike. b(1) -8, R² .05, as of a failed payment in PERCEPTION; start prevalence 1 in
20, which gives b(0) +.42.
"""

from __future__ import annotations

from typing import Final

from pipeline.records import FLAG_BILL, FLAG_WRONG_BILL
from pipeline.signals._base import Facts, Flags, Levels, Outcome, Signal, as_level, has_flag


def applies(facts: Facts) -> Flags:
    """Interactions about a bill."""
    return has_flag(facts, FLAG_BILL | FLAG_WRONG_BILL)


def observed(facts: Facts) -> Levels:
    """1 = a wrong bill, 0 = a bill."""
    return as_level(has_flag(facts, FLAG_WRONG_BILL))


SIGNAL: Final = Signal(
    name="wrong_bill",
    meaning="whether the bill was wrong",
    applies=applies,
    observed=observed,
    start=Outcome.centred(0.05, (1.0, 0.8, 0.8), present=-8.0, prevalence=0.05),
)
