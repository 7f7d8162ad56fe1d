"""The lives of alerts: what a run found, cell by cell, from the first suspicion to the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from pipeline.detect.machine import Alert, Transition
from pipeline.detect.run import Outcome

WORSE: Final = "it became worse"
AGAIN: Final = "it is not over"
NOTHING: Final = "it did not last"
_IDLE: Final = frozenset({"ok", "no_data"})


@dataclass(frozen=True, slots=True)
class Step:
    """A state from the end of a bucket on."""

    state: str
    bucket: int
    reason: str = ""
    size: float | None = None
    """Size from here on, where it is another."""


@dataclass(slots=True)
class Life:
    """One suspicion of one cell, and the alert that it became, if any."""

    detector: str
    cell: int
    line: int
    since: int
    """Bucket from which the evidence grew when it was first noticed."""
    evidence: float
    steps: list[Step] = field(default_factory=list)
    alert: Alert | None = None

    @property
    def ongoing(self) -> bool:
        """Whether it goes on."""
        return self.steps[-1].state != "resolved"

    @property
    def pending(self) -> bool:
        """Whether it has not fired and may yet."""
        return self.ongoing and self.alert is None


def lives(outcome: Outcome) -> list[Life]:
    """All lives, by detector and cell, in order of time."""
    alerts = {(alert.detector, alert.cell, alert.fired): alert for alert in outcome.alerts}
    moves = sorted(outcome.transitions, key=lambda move: (move.detector, move.cell))  # stable: time stays in order
    found: list[Life] = []
    for _, group in groupby(moves, key=lambda move: (move.detector, move.cell)):
        found += _of_cell(list(group), alerts)
    return found


def _of_cell(moves: Sequence[Transition], alerts: dict[tuple[str, int, int], Alert]) -> Iterator[Life]:
    life: Life | None = None
    for move in moves:
        if life is not None and life.alert is None and move.after in _IDLE:
            life.steps.append(Step("resolved", move.bucket, NOTHING))
        elif move.after in {"pending", "firing", "recovering", "resolved"}:
            if life is None:
                life = Life(move.detector, move.cell, move.line, move.since, move.evidence)
            _follow(life, move, alerts)
        if life is not None and not life.ongoing:
            yield life
            life = None
    if life is not None:
        yield life


def _follow(life: Life, move: Transition, alerts: dict[tuple[str, int, int], Alert]) -> None:
    alert = life.alert
    if move.after == "firing" and alert is None:
        life.alert = alert = alerts[move.detector, move.cell, move.bucket]
        life.steps.append(Step("firing", move.bucket))
        # A life is followed in order: what comes later is put behind.
        life.steps += [Step("firing", bucket, WORSE, size) for bucket, size in alert.escalated]
        return
    reason = alert.reason if alert is not None and move.after == "resolved" else ""
    life.steps.append(Step(move.after, move.bucket, AGAIN if move.after == "firing" else reason))
    life.steps.sort(key=lambda step: step.bucket)
