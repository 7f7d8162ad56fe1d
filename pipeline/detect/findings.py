"""What is said about an alert: sizes, cause, the parts that are affected, and who speaks for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pipeline.detect.assemble import Watched
from pipeline.detect.cause import explain
from pipeline.detect.hierarchy import HOLD, affected, speaking, speaks_for
from pipeline.detect.lives import Life, lives
from pipeline.detect.machine import Alert
from pipeline.detect.policy import Watch
from pipeline.detect.run import SILENCE, Outcome
from pipeline.detect.series import Floats, Scope
from schemas.alert import Cause, Contribution, Labels
from schemas.tables import DIMENSIONS

NAMES: Final = {"drop": "drop", "surge": "surge", SILENCE: "no_data"}
"""Detector -> its name in a transition."""
_PARTS: Final = 5
_LISTED: Final = 50


def labels(scope: Scope) -> Labels:
    """The labels that are given."""
    return {name: value for name, value in zip(scope._fields, scope, strict=True) if value}


@dataclass(frozen=True, slots=True)
class Findings:
    """One series with what a run found in it."""

    watch: Watch
    kind: str
    given: Watched
    limits: Floats
    outcome: Outcome
    lives: Sequence[Life]
    speakers: Mapping[int, Life]
    """Identity of a life -> the life that speaks for it, where that is another."""

    def scope(self, life: Life) -> Scope:
        """What a life is about."""
        return self.given.series.scopes[life.cell]

    def kind_of(self, life: Life) -> str:
        """``scores``, ``answers`` or ``contacts``."""
        return self.kind if life.detector == "drop" else "contacts"

    def start_ms(self, bucket: int) -> int:
        """Start of a bucket."""
        return self.given.time_ms(bucket, self.watch)

    def speaker_of(self, life: Life) -> Life | None:
        """The life that speaks for this one; None if it speaks for itself, or never fired."""
        return self.speakers.get(id(life))

    def held(self, life: Life) -> bool:
        """Whether a related cell is about to fire that would speak for this fresh alert: its message waits."""
        alert, series = life.alert, self.given.series
        last = series.shape[0] - 1
        if alert is None or last >= alert.fired + HOLD or self.speaker_of(life) is not None:
            return False
        near = (one for one in self.lives if one.pending and one.detector == life.detector and one.cell != life.cell)
        return any(
            speaks_for(self._as_alert(one, last), alert, self.outcome, series.scopes, self.given.place) for one in near
        )

    def _as_alert(self, life: Life, last: int) -> Alert:
        return Alert(life.detector, life.cell, life.line, life.since, last, self._size(life, last), life.evidence, 0)

    def _size(self, life: Life, last: int) -> float:
        part = slice(life.since, last + 1)
        weight = self.outcome.weight[life.detector][part, life.cell, life.line].sum()
        return float(self.outcome.distance[life.detector][part, life.cell, life.line].sum() / max(weight, 1e-9))

    def numbers(self, life: Life, bucket: int, size: float | None) -> dict[str, Any]:
        """Size, evidence, threshold, customers, expected and observed, as known at the end of a bucket."""
        alert = life.alert if life.alert is not None and bucket >= life.alert.fired else None
        since, last = (life.since, bucket) if alert is None else (alert.since, alert.fired)
        line = life.line if alert is None else alert.line
        part = slice(since, last + 1)
        usual = self._size(life, bucket) if alert is None else alert.size
        observed, expected = self._levels(life, part, line)
        return {
            "size": round(usual if size is None else size, 3),
            "evidence": round(life.evidence if alert is None else alert.evidence, 3),
            "threshold": round(float(self.limits[last, life.cell]), 3),
            "customers": 0 if alert is None or life.detector == SILENCE else alert.customers,
            "observed": round(observed, 3),
            "expected": round(expected, 3),
        }

    def _levels(self, life: Life, part: slice, line: int) -> tuple[float, float]:
        """Mean score and baseline, or contacts of a bucket and the usual ones."""
        if life.detector != "drop":
            contacts = self.given.series.contacts[part, life.cell].mean()
            return float(contacts), float(self.outcome.contacts[part, life.cell].mean())
        n = max(float(self.outcome.weight["drop"][part, life.cell, line].sum()), 1.0)
        mean = float(self.given.series.total[part, life.cell, line].sum()) / n
        return mean, mean + float(self.outcome.distance["drop"][part, life.cell, line].sum()) / n

    def dimensions(self, life: Life) -> tuple[str, ...]:
        """Dimensions that fell by a third of the alert's size or more, its own first."""
        alert = life.alert
        if life.detector != "drop" or alert is None:
            return (DIMENSIONS[life.line],) if life.detector == "drop" else ()
        part = slice(alert.since, alert.fired + 1)
        n = self.outcome.weight["drop"][part, life.cell].sum(axis=0)
        falls = self.outcome.distance["drop"][part, life.cell].sum(axis=0) / np.maximum(n, 1)
        order = sorted(range(len(falls)), key=lambda line: (line != alert.line, -falls[line]))
        return tuple(DIMENSIONS[line] for line in order if line == alert.line or falls[line] >= alert.size / 3)

    def affected(self, life: Life) -> tuple[Labels, ...]:
        """Parts of the scope that are affected themselves, worst first."""
        if life.alert is None or life.detector == SILENCE:
            return ()
        scopes = self.given.series.scopes
        inside = affected(life.alert, self.outcome, scopes, self.watch.variance)
        return tuple(labels(scopes[part.cell]) for part in inside[:_LISTED])

    def cause(self, life: Life) -> Cause:
        """Why it fell."""
        if life.alert is None or life.detector != "drop":
            return Cause()
        why = explain(life.alert, self.given.series, self.outcome, self.given.place, self.watch.day)
        parts = [
            Contribution(scope=labels(part.scope), points=round(part.real + part.mix, 3)) for part in why.parts[:_PARTS]
        ]
        return Cause(
            verdict=why.verdict, mix_shift=round(why.mix, 3), real=round(why.real, 3), contributions=tuple(parts)
        )


def findings(watch: Watch, kind: str, given: Watched, limits: Floats, outcome: Outcome) -> Findings:
    """Lives of a run; of answers only drops, as contacts and silence are those of interactions."""
    found = [life for life in lives(outcome) if kind == "scores" or life.detector == "drop"]
    speaker = speaking(outcome, given.series.scopes, given.place)
    of_alert = {id(life.alert): life for life in found if life.alert is not None}
    pairs = ((outcome.alerts[at], outcome.alerts[other]) for at, other in speaker.items() if at != other)
    speakers = {id(of_alert[id(one)]): of_alert[id(other)] for one, other in pairs if id(one) in of_alert}
    return Findings(watch, kind, given, limits, outcome, found, speakers)
