"""Silences: what nobody wants to be told for a while, with a reason and an end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from jobs.notify.wording import labels
from schemas.alert import AlertTransition


@dataclass(frozen=True, slots=True)
class Silence:
    """Holds back alerts whose labels have all of ``labels``, from ``start_ms`` until ``end_ms`` by the wall clock."""

    id: str
    labels: Mapping[str, str]
    reason: str
    start_ms: int
    end_ms: int
    by: str = ""

    def active(self, now_ms: int) -> bool:
        """Whether it holds now."""
        return self.start_ms <= now_ms < self.end_ms

    def covers(self, given: Mapping[str, str]) -> bool:
        """Whether every label is given with its value."""
        return all(given.get(name) == value for name, value in self.labels.items())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def silence(named: Mapping[str, str], reason: str, start_ms: int, end_ms: int, by: str) -> Silence:
    """A silence; its id is a function of all that it says."""
    told = repr((sorted(named.items()), reason, start_ms, end_ms, by))
    return Silence(hashlib.sha256(told.encode()).hexdigest()[:12], dict(named), reason, start_ms, end_ms, by)


def silenced(alert: AlertTransition, silences: Iterable[Silence], now_ms: int) -> bool:
    """Whether any silence holds an alert back. Labels are the alert's own: alertname, detector, kind, grain, scope."""
    given = labels(alert)
    return any(one.active(now_ms) and one.covers(given) for one in silences)


def encoded(one: Silence) -> bytes:
    """A silence as a record's value."""
    return msgspec.json.encode(one)


def decoded(value: bytes) -> Silence | None:
    """The silence of a record; None if it is none (such a record holds nothing back)."""
    try:
        return msgspec.json.decode(value, type=Silence)
    except msgspec.DecodeError:
        return None
