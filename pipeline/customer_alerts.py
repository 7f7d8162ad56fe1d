"""What became of alerts about single customers: fired, amended, withdrawn, resolved; as rows and as transitions.

A row is a fact: it is there while the finding holds, and retracted if a later event took it back. Transitions tell the
same as a story; their numbers and what was told last are kept in the state until nothing can change any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NotRequired, TypedDict

import msgspec

from pipeline.batch import Columns
from pipeline.rows import versioned
from pipeline.statechecks import StateError
from pipeline.view import Context
from pipeline.watch import Finding, Findings
from schemas.alert import alert_id_of, fingerprint_of

TABLE: Final = "customer_alert_rows"
WITHDRAWN: Final = "a later event changed what was found"
FINAL: Final = "nothing can change it any more"
_CAUSE: Final = {"verdict": "", "mix_shift": 0.0, "real": 0.0, "contributions": [], "signals": [], "examples": []}
_NOT_ABOUT_ONE: Final = {"parent": "", "affected": [], "cause": _CAUSE}
"""Fields of :class:`schemas.alert.AlertTransition` that say nothing about one customer; a test holds it to it."""
_LABELS: Final = ("channel", "segment", "touchpoint", "reason")


class _Alert(TypedDict):
    """Fields of :class:`schemas.alert.AlertTransition` that are kept; one without what is required is refused."""

    alert_id: str
    fingerprint: str
    sequence: int
    state: Literal["firing", "withdrawn", "resolved"]
    amended: NotRequired[bool]
    reason: NotRequired[str]
    detector: str
    kind: str
    scope: NotRequired[dict[str, str]]
    customer_id: NotRequired[str]
    grain: NotRequired[str]
    dimensions: list[str]
    since_ms: int
    at_ms: int
    watermark_ms: NotRequired[int]
    size: float
    evidence: float
    threshold: float
    customers: NotRequired[int]
    expected: float | None
    observed: float | None


class _Labels(TypedDict):
    channel: str
    segment: str
    touchpoint: str
    reason: str


class Told(msgspec.Struct):
    """One alert as told last; ``final_ms`` is the watermark after which nothing can change it."""

    alert: _Alert
    labels: _Labels
    final_ms: int

    @property
    def alert_id(self) -> str:
        """Its id."""
        return str(self.alert["alert_id"])

    @property
    def holds(self) -> bool:
        """Whether its row is there."""
        return bool(self.alert["state"] != "withdrawn")


_DECODER: Final = msgspec.msgpack.Decoder(list[Told])
_ENCODER: Final = msgspec.msgpack.Encoder()
_MESSAGES: Final = msgspec.json.Encoder()


def unpack(value: bytes | None) -> list[Told]:
    """Alerts of a customer from the state."""
    try:
        return [] if value is None else _DECODER.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StateError(f"unreadable alerts of a customer: {type(error).__name__}") from None


@dataclass(slots=True)
class Outcome:
    """What a look at some customers changed."""

    rows: list[tuple[str, Told]] = field(default_factory=list)
    """Customer and alert to write."""
    gone: list[tuple[str, str]] = field(default_factory=list)
    """Customer and alert id to retract."""
    messages: list[tuple[bytes, bytes]] = field(default_factory=list)
    state: dict[str, bytes | None] = field(default_factory=dict)
    """Customer -> what to remember; None = forget."""
    wake: dict[str, int] = field(default_factory=dict)
    """Customer -> watermark at which to look again."""


def compare(
    names: list[str], findings: Findings, remembered: Mapping[str, bytes], now_ms: int, context: Context
) -> Outcome:
    """Hold what was found against what was told; ``remembered`` are the alerts in the state by customer."""
    found: dict[str, dict[str, Told]] = {}
    for finding in sorted(findings.found, key=lambda one: int(findings.rows["event_hash"][one.fact])):
        name = names[int(findings.rows["customer"][finding.fact])]
        told = _told(name, finding, findings.rows[finding.fact], context)
        found.setdefault(name, {}).setdefault(told.alert_id, told)
    outcome = Outcome()
    for name in sorted({*found, *remembered}):
        _compare(name, found.get(name, {}), unpack(remembered.get(name)), now_ms, outcome)
    return outcome


def _compare(name: str, found: dict[str, Told], before: list[Told], now_ms: int, outcome: Outcome) -> None:
    known = {told.alert_id: told for told in before if told.alert["state"] != "resolved"}
    kept = []
    for alert_id in sorted({*found, *known}):
        told = _next(known.get(alert_id), found.get(alert_id))
        if told is not known.get(alert_id):
            _tell(name, told, outcome)
        if told.final_ms <= now_ms and told.alert["state"] == "firing":
            told = _step(told, "resolved", FINAL)
            outcome.messages.append(_message(told))
        if told.final_ms > now_ms or told.alert["state"] == "resolved":
            kept.append(told)
    # What is resolved stays for one flush: until this one is confirmed, its row may have to be written again.
    if kept != before:
        outcome.state[name] = _ENCODER.encode(kept) if kept else None
    if kept:
        resolved = any(told.alert["state"] == "resolved" for told in kept)
        outcome.wake[name] = now_ms + 1 if resolved else min(told.final_ms for told in kept)


def _next(before: Told | None, found: Told | None) -> Told:
    if found is None:
        assert before is not None
        return _step(before, "withdrawn", WITHDRAWN) if before.holds else before
    if before is None:
        return found
    if before.holds and _content(before) == _content(found):
        return before
    reason = WITHDRAWN if before.holds else ""
    alert: _Alert = {**found.alert, "sequence": before.alert["sequence"] + 1, "amended": before.holds, "reason": reason}
    return Told(alert, found.labels, found.final_ms)


def _content(told: Told) -> dict[str, Any]:
    return {**told.alert, "sequence": 0, "amended": False, "reason": "", "labels": told.labels}


def _step(told: Told, state: Literal["withdrawn", "resolved"], reason: str) -> Told:
    sequence = told.alert["sequence"] + 1
    alert: _Alert = {**told.alert, "state": state, "sequence": sequence, "amended": False, "reason": reason}
    return Told(alert, told.labels, told.final_ms)


def _tell(name: str, told: Told, outcome: Outcome) -> None:
    outcome.messages.append(_message(told))
    if told.holds:
        outcome.rows.append((name, told))
    else:
        outcome.gone.append((name, told.alert_id))


def _message(told: Told) -> tuple[bytes, bytes]:
    return told.alert_id.encode(), _MESSAGES.encode({**told.alert, **_NOT_ABOUT_ONE})


def holding(remembered: Mapping[str, bytes]) -> list[tuple[str, Told]]:
    """Customer and alert of all that hold, in order."""
    return [(name, told) for name in sorted(remembered) for told in unpack(remembered[name]) if told.holds]


def pseudonym(customer_id: str) -> str:
    """Stands for a customer where the id itself should not be seen."""
    return hashlib.sha256(customer_id.encode()).hexdigest()[:16]


def _told(name: str, finding: Finding, row: Any, context: Context) -> Told:
    strings, policy, _ = context
    labels = msgspec.convert({label: strings.text(int(row[label])) for label in _LABELS}, _Labels)
    scope, start = {"customer": pseudonym(name)}, int(row["start_ms"])
    about = (finding.detector, finding.kind, scope, "")
    end = int(row["end_ms"])
    alert: _Alert = {
        "alert_id": alert_id_of(*about, start),
        "fingerprint": fingerprint_of(*about),
        "sequence": 1,
        "state": "firing",
        "amended": False,
        "reason": "",
        "detector": finding.detector,
        "kind": finding.kind,
        "scope": scope,
        "customer_id": name,
        "grain": "",
        "dimensions": list(finding.dimensions),
        "since_ms": start,
        "at_ms": end,
        "watermark_ms": end,
        "size": round(finding.size, 6),
        "evidence": round(finding.evidence, 6),
        "threshold": finding.threshold,
        "customers": 1,
        "expected": _given(finding.expected),
        "observed": _given(finding.observed),
    }
    return Told(alert, labels, start + policy.cell_settling_ms + 1)


def _given(value: float) -> float | None:
    return None if value != value else round(value, 6)  # noqa: PLR0124 - NaN is not itself


def rows_of(told: Iterable[tuple[str, Told]], partition: int, version: int) -> Columns:
    """Rows of the table, one per alert that holds."""
    given = list(told)
    alerts: list[Mapping[str, object]] = [one.alert for _, one in given]
    labels: list[Mapping[str, object]] = [one.labels for _, one in given]
    plain = ("alert_id", "fingerprint", "detector", "kind", "size", "evidence", "threshold")
    nullable = ("expected", "observed")
    columns: dict[str, Any] = {
        "customer_id": [name for name, _ in given],
        **{name: [alert[name] for alert in alerts] for name in plain},
        **{name: [float("nan") if alert[name] is None else alert[name] for alert in alerts] for name in nullable},
        **{name: [one[name] for one in labels] for name in _LABELS},
        "dimensions": [_MESSAGES.encode(alert["dimensions"]).decode() for alert in alerts],
        "since_at": [alert["since_ms"] for alert in alerts],
        "at": [alert["at_ms"] for alert in alerts],
    }
    return versioned(columns, partition, version)
