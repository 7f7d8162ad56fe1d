"""The operator: who its customers are, which desks it has, and what each experience does to perception.

Triples are score points on (meets_needs, easy, enjoyable).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Segment:
    """A kind of customer."""

    name: str
    share: float
    mean: Triple
    """Long-run mean of the true perception."""
    monthly: float
    """Typical bill, euros."""
    digital: float
    """How often a contact is made by chat or e-mail instead of phone or store."""


SEGMENTS: Final = (
    Segment("consumer", 0.48, (71.0, 69.0, 70.0), 32.0, 0.40),
    Segment("family", 0.22, (70.0, 67.0, 69.0), 68.0, 0.35),
    Segment("youth", 0.18, (73.0, 74.0, 73.0), 18.0, 0.70),
    Segment("business", 0.12, (68.0, 64.0, 65.0), 140.0, 0.30),
)
REGIONS: Final = ("north", "south", "east", "west", "centre")
SITES: Final = ("web", "app")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why customers get in touch: the desk that they reach and the skill that helps."""

    reason: str
    desk: str
    skill: str
    match: float
    """Share of contacts that reach somebody with that skill."""
    solvable: float
    """Share solved at once by somebody with that skill."""


CAUSES: Final = {
    cause.reason: cause
    for cause in (
        Cause("wrong_bill", "billing", "billing", 0.82, 0.80),
        Cause("price", "billing", "pricing", 0.42, 0.72),
        Cause("payment_failed", "billing", "billing", 0.88, 0.90),
        Cause("no_internet", "technical", "network", 0.80, 0.66),
        Cause("slow_internet", "technical", "network", 0.74, 0.58),
        Cause("no_signal", "technical", "network", 0.76, 0.60),
        Cause("tv_box", "technical", "devices", 0.80, 0.74),
        Cause("network_outage", "technical", "network", 0.70, 0.22),
        Cause("upgrade", "sales", "pricing", 0.85, 0.92),
        Cause("move_house", "sales", "orders", 0.78, 0.84),
        Cause("late_delivery", "sales", "orders", 0.72, 0.62),
        Cause("missed_appointment", "technical", "orders", 0.62, 0.66),
        Cause("question", "sales", "general", 0.95, 0.93),
    )
}
FAULTS: Final = ("no_internet", "slow_internet", "no_signal", "tv_box")
PRODUCTS: Final = {
    "no_internet": "broadband",
    "slow_internet": "broadband",
    "no_signal": "mobile_network",
    "tv_box": "tv",
    "network_outage": "broadband",
    "wrong_bill": "bill",
}

EFFECTS: Final[dict[str, Triple]] = {
    "resolved": (4.0, 2.5, 2.0),
    "unresolved": (-17.0, -11.0, -10.0),
    "wrong_skill": (-4.0, -3.0, -4.0),
    "transfer": (-2.0, -6.0, -3.5),
    "complaint": (-7.0, -5.0, -9.0),
    "failure": (-5.0, -2.5, -3.5),  # per step of severity
    "wrong_bill": (-9.0, -7.0, -7.0),
    "failed_payment": (-4.0, -9.0, -4.0),
    "refund": (4.0, 2.0, 3.0),
    "recovered_fast": (6.0, 4.0, 6.0),
    "recovered_slowly": (2.0, 0.5, 0.5),
    "failed_again": (-9.0, -6.0, -8.0),
    "promise_kept": (4.0, 3.0, 3.5),
    "promise_broken": (-9.0, -8.0, -6.0),
    "care_seen": (1.5, 1.5, 4.0),
    "smooth": (0.8, 1.0, 0.8),
    "friction": (-3.0, -7.0, -4.0),
    "bought": (3.0, 2.0, 3.5),
    "personal": (2.5, 1.0, 4.0),
}


def add(first: Triple, second: Triple, factor: float = 1.0) -> Triple:
    """``first + factor * second``."""
    return (
        first[0] + factor * second[0],
        first[1] + factor * second[1],
        first[2] + factor * second[2],
    )
