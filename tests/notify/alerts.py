"""Transitions for the tests, and a desk over them."""

from __future__ import annotations

from typing import Any

from jobs.notify.desk import Desk, Notice, Pace
from schemas.alert import AlertTransition, alert_id_of, fingerprint_of

HOUR_MS = 3_600_000
SINCE = 1_717_999_200_000


def transition(channel: str = "app", sequence: int = 1, state: Any = "firing", **more: Any) -> AlertTransition:
    scope = {"channel": channel}
    since = more.pop("since_ms", SINCE)
    given = {"detector": "drop", "kind": "scores", "grain": "hour", "size": 8.2, **more}
    identity = (given["detector"], given["kind"], scope, given["grain"])
    return AlertTransition(
        alert_id=alert_id_of(*identity, since),
        fingerprint=fingerprint_of(*identity),
        sequence=sequence,
        state=state,
        scope=scope,
        since_ms=since,
        at_ms=since + HOUR_MS * sequence,
        watermark_ms=since + HOUR_MS * sequence,
        **given,
    )


def nothing(_: AlertTransition) -> bool:
    return False


def desk(**pace: Any) -> Desk:
    return Desk(Pace(**pace), ("drop", "surge"), lambda: 1.0)


def due(one: Desk, now: float, silenced: Any = nothing) -> list[Notice]:
    """Everything that is due at a time, all of it delivered."""
    found = []
    while (notice := one.due(now, silenced)) is not None:
        one.done(notice, now)
        found.append(notice)
    return found


def told(notices: list[Notice]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Form, and channel and state of every alert, per message."""
    return [
        (notice.form.value, [(entry.last.scope["channel"], entry.last.state) for entry in notice.entries])
        for notice in notices
    ]
