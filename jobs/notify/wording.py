"""An alert in words: its identity as labels, its numbers as annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from jobs.notify.desk import is_open
from schemas.alert import AlertTransition, Contribution

NAMES: Final = {
    "drop": "PerceptionDrop",
    "surge": "ContactSurge",
    "no_data": "NoContacts",
    "customer_drop": "CustomerDrop",
    "rule": "CustomerRule",
}
"""``alertname`` per detector; a detector that is not here goes by its own name."""
LISTED: Final = 20


def instant(epoch_ms: int) -> str:
    """A moment as RFC 3339 in UTC.

    >>> instant(1_435_017_600_000)
    '2015-06-23T00:00:00Z'
    """
    return datetime.fromtimestamp(epoch_ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def labels(alert: AlertTransition) -> dict[str, str]:
    """What the alert is about, and nothing that changes while it lasts."""
    named = {"alertname": NAMES.get(alert.detector, alert.detector), "detector": alert.detector, "kind": alert.kind}
    given = {"grain": alert.grain} if alert.grain else {}
    return {**named, **given, **dict(sorted(alert.scope.items()))}


def scope_text(scope: Mapping[str, str]) -> str:
    """A scope in words.

    >>> scope_text({"channel": "app", "segment": ""}), scope_text({})
    ('channel=app', 'everything')
    """
    return " ".join(f"{name}={value}" for name, value in sorted(scope.items()) if value) or "everything"


def headline(alert: AlertTransition) -> str:
    """One line for a phone's lock screen."""
    said = f"{_happening(alert)} {scope_text(alert.scope)}"
    since = f"since {instant(alert.since_ms)}"
    if is_open(alert):
        return f"{said} {since}{', amended: ' + alert.reason if alert.amended and alert.reason else ''}"
    ended = f"{alert.state} {instant(alert.at_ms)}"
    return f"{said} {since}: {ended}{', ' + alert.reason if alert.reason else ''}"


def _happening(alert: AlertTransition) -> str:
    if alert.detector == "drop":
        return f"Perception ({alert.kind}) {alert.size:.1f} points below usual in"
    if alert.detector == "surge":
        return f"{alert.size:.1f} times the usual contacts in"
    if alert.detector == "no_data":
        return "No contacts where some are expected in"
    if alert.detector == "customer_drop":
        return f"Perception {alert.size:.1f} points below this customer's usual:"
    return f"{alert.kind.replace('_', ' ').capitalize()}:"


def remarks(alert: AlertTransition, *, customer_ids: bool) -> dict[str, str]:
    """Numbers and text; ``customer_ids`` whether the receiver may know customers by their ids."""
    cause = alert.cause
    given: dict[str, Any] = {
        "summary": headline(alert),
        "alert_id": alert.alert_id,
        "sequence": alert.sequence,
        "state": alert.state,
        "reason": alert.reason,
        "size": _number(alert.size),
        "evidence": _number(alert.evidence),
        "threshold": _number(alert.threshold),
        "customers": alert.customers,
        "expected": _number(alert.expected),
        "observed": _number(alert.observed),
        "dimensions": ", ".join(alert.dimensions),
        "as_of": instant(alert.watermark_ms) if alert.watermark_ms > 0 else "",
        "affected": _listed([scope_text(scope) for scope in alert.affected]),
        "cause": cause.verdict,
        "mix_shift": _number(cause.mix_shift if cause.verdict else None),
        "real_fall": _number(cause.real if cause.verdict else None),
        "contributions": _listed([_contribution(part) for part in cause.contributions]),
        "signals": _listed([f"{part.signal} {part.shift:+.2f}" for part in cause.signals]),
    }
    if customer_ids:
        given |= {"customer_id": alert.customer_id, "examples": _listed(cause.examples)}
    return {name: str(value) for name, value in given.items() if value not in {"", None}}


def _contribution(part: Contribution) -> str:
    return f"{scope_text(part.scope)} {part.points:+.1f}"


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.4g}"


def _listed(lines: Sequence[str]) -> str:
    more = f"; and {len(lines) - LISTED} more" if len(lines) > LISTED else ""
    return "; ".join(lines[:LISTED]) + more
