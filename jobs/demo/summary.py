"""What the demonstration reports: numbers that a dashboard would see, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Flow:
    """Where every record went: ``records`` = events + duplicates + conflicts + late + rejected."""

    records: int
    events: int
    duplicates: int
    conflicts: int
    """Repeats of an event id with other content: the first counts."""
    late: int
    rejected: int
    interactions: int
    journeys: int
    completed: int
    """Journeys that reached their goal."""
    customers: int
    answers: int
    one_way: int
    """Ads, recommendations and promises: they never move perception."""


@dataclass(frozen=True, slots=True)
class Score:
    """A score in points 0..100 with its 90 % interval."""

    score: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Index:
    """The brand's perception index on one dimension; shares of the evidence are 0..1."""

    dimension: str
    index: Score
    stated_share: float
    customers: int
    truth: float
    """What only a simulator knows: the true mean of the same customers, points."""


@dataclass(frozen=True, slots=True)
class Goal:
    """Journeys with one goal, over all channels."""

    goal: str
    journeys: int
    completed: int
    median_days: float
    path: str
    """The commonest way through more than one channel, in the order of first use."""


@dataclass(frozen=True, slots=True)
class Touchpoint:
    """One of the worst touchpoints, on its worst dimension."""

    touchpoint: str
    dimension: str
    interactions: int
    index: Score | None


@dataclass(frozen=True, slots=True)
class Phase:
    """The incident's touchpoint before, during or after: cells summed over hours."""

    phase: str
    interactions: int
    wait_s: float
    scores: Sequence[Score | None]
    """By dimension, bottom of the pyramid first; None where two interactions with evidence are missing."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Service recovery of one kind of failure."""

    reason: str
    failures: int
    fixed: int
    median_hours: float
    failed_again: int


@dataclass(frozen=True, slots=True)
class Service:
    """Proactive service and promises, counts of interactions."""

    seen: int
    unseen: int
    promised: int
    """Deliveries and installations with a promised time."""
    kept: int
    ads: int
    recommendations: int
    promises: int
    gap: Score | None
    """How much lower the score of interactions with a broken promise is than of those with a kept one, points."""
    price_complaints: int
    priced_well: int
    """Price complaints that reached somebody with pricing skill."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one interaction contributes to a customer's score, points."""

    at: datetime
    channel: str
    touchpoint: str
    what: str
    points: float


@dataclass(frozen=True, slots=True)
class Why:
    """One customer's relationship score, taken apart: ``prior`` + lines + ``rest`` = ``mean``, exactly."""

    customer_id: str
    segment: str
    dimension: str
    prior: float
    mean: float
    shown: Score
    """``mean`` clipped and capped by the pyramid, with its interval."""
    confidence: float
    inferred_share: float
    lines: Sequence[Line]
    rest: float
    interactions: int


@dataclass(frozen=True, slots=True)
class Rejection:
    """Rejected records of one reason, with an example message."""

    reason: str
    records: int
    example: str


@dataclass(frozen=True, slots=True)
class Struck:
    """The incident that was simulated, and what it did to its touchpoint."""

    kind: str
    where: str
    touchpoint: str
    start: datetime
    end: datetime
    phases: Sequence[Phase]


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything that the demonstration prints."""

    customers: int
    days: int
    seed: int
    seconds: float
    events_per_second: float
    warehouse: str
    elsewhere: bool
    """Whether that is another place than the settings name."""
    flow: Flow
    perception: Sequence[Index]
    goals: Sequence[Goal]
    touchpoints: Sequence[Touchpoint]
    incidents: Sequence[Struck]
    recoveries: Sequence[Recovery]
    service: Service
    why: Why | None
    rejections: Sequence[Rejection]
