"""The alert transition: one JSON object on the topic ``alerts-v1`` and one row of ``alert_rows``.

An alert lives from pending (or firing) to resolved or withdrawn; each step is a transition with the next
``sequence``. Key of the record is ``alert_id``. Only transitions without a ``parent`` page somebody.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

STATES: Final = ("pending", "firing", "recovering", "resolved", "withdrawn")
"""States of an alert; the last two end it, though late data may still amend or withdraw a resolved one."""
ENDED: Final = frozenset({"resolved", "withdrawn"})
LABELS: Final = ("channel", "segment", "touchpoint")
"""Labels of the scope of a cell."""
_SEPARATOR: Final = "\x1f"

State = Literal["pending", "firing", "recovering", "resolved", "withdrawn"]
Detector = Literal["drop", "surge", "no_data", "customer_drop", "rule"]
Labels = dict[str, str]
Digest32 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Digest16 = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Contribution(_Part):
    """A part of the scope and how much of the fall it explains."""

    scope: Labels = Field(description="labels of the part")
    points: float = Field(description="points of the fall; with those of the other parts they add up to it")


class SignalShift(_Part):
    """A signal that moved with the fall."""

    signal: str = Field(description="name of the signal")
    shift: float = Field(description="its rate during the fall minus its rate before, per interaction")


class Cause(_Part):
    """Why: other customers (mix shift) or the same ones worse off (a real fall), and where."""

    verdict: str = Field("", description="mix shift, real fall or not split further; empty where nothing fell")
    mix_shift: float = Field(0.0, description="points of the fall because shares moved to worse parts")
    real: float = Field(0.0, description="points of the fall inside the parts")
    contributions: tuple[Contribution, ...] = Field((), description="the parts, the largest first")
    signals: tuple[SignalShift, ...] = Field((), description="signals that moved, the most surprising first")
    examples: tuple[str, ...] = Field((), description="customer_id of some who are part of it; personal data")


class AlertTransition(_Part):
    """One step in the life of an alert."""

    alert_id: Digest32 = Field(description="one alert from its first transition to its end")
    fingerprint: Digest16 = Field(description="the same scope again later has the same")
    sequence: int = Field(ge=1, description="number of the transition within the alert: 1, 2, …")
    state: State = Field(description="state from this transition on")
    amended: bool = Field(False, description="late data or a merge changed what was said before")
    reason: str = Field("", description="why it was withdrawn, amended or resolved")
    detector: Detector = Field(description="what found it")
    kind: str = Field(min_length=1, description="scores, answers or contacts; for a rule its name")
    scope: Labels = Field(description="labels of what it is about; empty for everything")
    customer_id: str = Field("", description="of an alert about one customer; personal data, never logged")
    grain: Literal["hour", "day", ""] = Field("", description="width of the buckets that were watched")
    dimensions: tuple[str, ...] = Field((), description="dimensions of perception that fell, the worst first")
    since_ms: int = Field(description="when it began, epoch milliseconds")
    at_ms: int = Field(description="event time at which this was decided: the end of a bucket, epoch milliseconds")
    watermark_ms: int = Field(description="event time up to which data were complete, epoch milliseconds")
    size: float = Field(0.0, description="points below the baseline; of a surge, times the usual contacts")
    evidence: float = Field(0.0, description="log likelihood ratio")
    threshold: float = Field(0.0, description="evidence at which it fires")
    customers: int = Field(0, ge=0, description="distinct customers behind it")
    expected: float | None = Field(None, description="usual mean in points, or usual contacts")
    observed: float | None = Field(None, description="mean or contacts as they came")
    parent: str = Field("", pattern=r"^([0-9a-f]{32})?$", description="alert_id of the one that speaks for this one")
    affected: tuple[Labels, ...] = Field((), description="parts of the scope that are affected themselves, worst first")
    cause: Cause = Field(Cause(), description="why, as far as known")

    def key(self) -> bytes:
        """Key of the record."""
        return self.alert_id.encode()

    def value(self) -> bytes:
        """Value of the record: the same transition has the same bytes."""
        return json.dumps(self.model_dump(mode="json"), separators=(",", ":"), ensure_ascii=False).encode()


def fingerprint_of(detector: str, kind: str, scope: Mapping[str, str], grain: str) -> str:
    """16 hexadecimal digits for what an alert is about, whenever it happens.

    >>> fingerprint_of("drop", "scores", {"channel": "phone"}, "hour")
    'd95640dcbf3908d3'
    """
    return _digest(_identity(detector, kind, scope, grain))[:16]


def alert_id_of(detector: str, kind: str, scope: Mapping[str, str], grain: str, since_ms: int) -> str:
    """32 hexadecimal digits for one alert."""
    return _digest([*_identity(detector, kind, scope, grain), str(since_ms)])[:32]


def _identity(detector: str, kind: str, scope: Mapping[str, str], grain: str) -> list[str]:
    labels = [f"{name}={value}" for name, value in sorted(scope.items()) if value]
    return [detector, kind, grain, *labels]


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256(_SEPARATOR.join(parts).encode()).hexdigest()


def alert_columns(transitions: Iterable[AlertTransition]) -> dict[str, list[Any]]:
    """Columns of ``alert_rows``; a repeat of a transition replaces its row."""
    given = list(transitions)
    plain = ("alert_id", "sequence", "fingerprint", "state", "amended", "reason", "detector", "kind", "grain")
    numbers = ("size", "evidence", "threshold", "customers", "parent", "customer_id")
    return {
        **{name: [getattr(one, name) for one in given] for name in (*plain, *numbers)},
        **{label: [one.scope.get(label, "") for one in given] for label in LABELS},
        "scope": [_json(one.scope) for one in given],
        "dimensions": [_json(one.dimensions) for one in given],
        "since_at": [one.since_ms for one in given],
        "at": [one.at_ms for one in given],
        "watermark_at": [one.watermark_ms for one in given],
        "expected": [_or_nan(one.expected) for one in given],
        "observed": [_or_nan(one.observed) for one in given],
        "affected": [_json(one.affected) for one in given],
        "cause": [_json(one.cause.model_dump(mode="json")) for one in given],
        "version": [max(one.watermark_ms, 0) for one in given],
    }


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
