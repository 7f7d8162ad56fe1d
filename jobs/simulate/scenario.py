"""What is simulated: how many customers, how long, and what goes wrong when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from jobs.simulate.truth import DYNAMICS, Dynamics
from pipeline.policy import DAY_MS, HOUR_MS

START_MS: Final = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp() * 1000)
"""A Monday. Fixed, so that a seed means the same bytes on every day."""

IncidentKind = Literal["outage", "billing"]
INCIDENT_KINDS: Final[tuple[IncidentKind, ...]] = ("outage", "billing")


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that hits many customers at once and overloads the desk that they turn to.

    An ``outage`` cuts off one region and floods the technical hotline; a ``billing`` error charges one segment twice
    and floods the billing hotline.
    """

    kind: IncidentKind
    start_ms: int
    end_ms: int
    region: str = ""
    """Customers of this region are hit; empty = all."""
    segment: str = ""
    """Customers of this segment are hit; empty = all."""
    load: float = 9.0
    """Factor on the waiting time of the flooded desk."""

    @property
    def desk(self) -> str:
        """The desk that customers turn to."""
        return "technical" if self.kind == "outage" else "billing"

    @property
    def touchpoint(self) -> str:
        """The touchpoint that gets much worse."""
        return f"{self.desk}_hotline"

    @property
    def reason(self) -> str:
        """Reason that the failures carry."""
        return "network_outage" if self.kind == "outage" else "wrong_bill"

    def hits(self, region: str, segment: str) -> bool:
        """Whether a customer there is hit."""
        return self.region in ("", region) and self.segment in ("", segment)

    def floods(self, desk: str, at_ms: int) -> bool:
        """Whether ``desk`` is overloaded at ``at_ms``."""
        return desk == self.desk and self.start_ms <= at_ms < self.end_ms


@dataclass(frozen=True, slots=True)
class Scenario:
    """One reproducible world."""

    customers: int = 1_500
    days: int = 60
    seed: int = 1
    start_ms: int = START_MS
    """First simulated moment, epoch milliseconds; a midnight in UTC."""
    incidents: tuple[Incident, ...] | None = None
    """None = one outage after 70 % of the time; () = a quiet world."""
    delayed_share: float = 0.05
    """Events that arrive minutes to hours late, within the allowed lateness."""
    very_late_share: float = 0.0012
    """Events that arrive days late."""
    duplicate_share: float = 0.01
    """Events that their producer sends twice."""
    bad_share: float = 0.003
    """Broken records added, as a share of the good ones."""
    dynamics: Dynamics = DYNAMICS
    """How the true perception moves."""

    @property
    def end_ms(self) -> int:
        """End of the last simulated day."""
        return self.start_ms + self.days * DAY_MS

    @property
    def plan(self) -> tuple[Incident, ...]:
        """The incidents of this world."""
        return (incident("outage", self.start_ms, self.days),) if self.incidents is None else self.incidents


def incident(kind: IncidentKind, start_ms: int, days: int) -> Incident:
    """The default incident of a kind: from 6:00 on the day after 70 % of the time, 42 hours long."""
    begin = start_ms + int(days * 0.7) * DAY_MS + 6 * HOUR_MS
    region, segment = ("north", "") if kind == "outage" else ("", "family")
    return Incident(kind, begin, begin + 42 * HOUR_MS, region, segment)
