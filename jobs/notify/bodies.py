"""Alerts as receivers that people run already read them: Alertmanager's webhook, version 4, and its API v2."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from jobs.notify.desk import Entry, Form, Notice, Told, is_open
from jobs.notify.wording import LISTED, headline, instant, labels, remarks
from schemas.alert import AlertTransition

NEVER: Final = "0001-01-01T00:00:00Z"
"""Alertmanager's way to say that an alert has not ended."""
SUMMARY: Final = "PerceptionAlertSummary"
API_PATH: Final = "/api/v2/alerts"


@dataclass(frozen=True, slots=True)
class Style:
    """What a receiver is told: its name, where people can look, and whether it may know customers' ids."""

    receiver: str
    external_url: str = ""
    customer_ids: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One alert of a message; times are epoch milliseconds, ``end_ms`` None while it goes on."""

    labels: dict[str, str]
    annotations: dict[str, str]
    start_ms: int
    end_ms: int | None
    fingerprint: str


def line(alert: AlertTransition, style: Style) -> Line:
    """An alert by itself."""
    told = remarks(alert, customer_ids=style.customer_ids)
    end = None if is_open(alert) else max(alert.at_ms, alert.since_ms)
    return Line(labels(alert), told, alert.since_ms, end, alert.fingerprint)


def summary(entries: Sequence[Entry], style: Style) -> Line:
    """Alerts above the cap as one: it goes on while any of them does."""
    alerts = [entry.last for entry in entries]
    going = [alert for alert in alerts if is_open(alert)]
    more = f"; and {len(alerts) - LISTED} more" if len(alerts) > LISTED else ""
    told = {
        "summary": f"{len(going)} more alerts go on, {len(alerts) - len(going)} ended: too many to send one by one",
        "alerts": "; ".join(map(headline, alerts[:LISTED])) + more,
        "alert_ids": " ".join(alert.alert_id for alert in alerts),
    }
    end = None if going else max(max(alert.at_ms, alert.since_ms) for alert in alerts)
    named = {"alertname": SUMMARY, "receiver": style.receiver}
    return Line(named, told, min(alert.since_ms for alert in alerts), end, _digest(named))


def lines(notice: Notice, style: Style) -> list[Line]:
    """The alerts of a message; what was merged is one line of a repeat, too."""
    if notice.form is Form.SUMMARY:
        return [summary(notice.entries, style)]
    merged = [entry for entry in notice.entries if entry.told is Told.MERGED]
    own = [line(entry.last, style) for entry in notice.entries if entry.told is not Told.MERGED]
    return own + ([summary(merged, style)] if merged and notice.form is Form.REPEAT else [])


def webhook(notice: Notice, style: Style) -> bytes:
    """Body of a webhook: a group of one alert. The group's key stays the same for the same scope."""
    (only,) = lines(notice, style)
    status = "firing" if only.end_ms is None else "resolved"
    alert = {
        "status": status,
        "labels": only.labels,
        "annotations": only.annotations,
        "startsAt": instant(only.start_ms),
        "endsAt": NEVER if only.end_ms is None else instant(only.end_ms),
        "generatorURL": style.external_url,
        "fingerprint": only.fingerprint,
    }
    merged = len(notice.entries) if notice.form is Form.SUMMARY else 0
    return _json(
        {
            "version": "4",
            "groupKey": f"{{}}:{{{', '.join(f'{name}={json.dumps(text)}' for name, text in only.labels.items())}}}",
            "truncatedAlerts": merged,
            "status": status,
            "receiver": style.receiver,
            "groupLabels": only.labels,
            "commonLabels": only.labels,
            "commonAnnotations": only.annotations,
            "externalURL": style.external_url,
            "alerts": [alert],
        }
    )


def alertmanager(notice: Notice, style: Style, expires_ms: int) -> bytes:
    """Body of ``POST /api/v2/alerts``; what goes on ends by itself at ``expires_ms`` unless it is repeated."""
    return _json(
        [
            {
                "labels": one.labels,
                "annotations": one.annotations,
                "startsAt": instant(one.start_ms),
                "endsAt": instant(expires_ms if one.end_ms is None else one.end_ms),
                "generatorURL": style.external_url,
            }
            for one in lines(notice, style)
        ]
    )


def delivery_id(notice: Notice, style: Style) -> str:
    """The same for every try of one message, also after a restart."""
    told = sorted(f"{entry.last.alert_id}:{entry.last.sequence}" for entry in notice.entries)
    return _digest({"receiver": style.receiver, "form": notice.form.value, "told": " ".join(told)})


def _digest(value: dict[str, str]) -> str:
    return hashlib.sha256(_json(value)).hexdigest()[:16]


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
