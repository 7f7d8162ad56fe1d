"""Example records: every wire format, reject reason and limit, as data. Tests walk this folder.

``events.jsonl`` has one plain event of every type, ``alerts.jsonl`` an alert transition of every state.
``accepted/*.json`` and ``rejected/<reason>/*.json`` are Kafka records::

    {"about": what it shows, "wire": wire format, "limit": limit it touches (optional),
     "key": text or null, "appended_at": broker time in epoch ms, "headers": {name: text},
     "value": recipe, "expect": {field of the event: value} | "says": part of the rejection's message}

A recipe is null (no value), {"json": …}, {"text": …}, {"base64": …}, {"repeat": recipe, "times": n} or a list
of recipes one after another.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent
EVENTS: Final = FOLDER / "events.jsonl"
ALERTS: Final = FOLDER / "alerts.jsonl"
WIRE_FORMATS: Final = ("plain", "confluent", "cloudevents-structured", "cloudevents-binary")


@dataclass(frozen=True, slots=True)
class Example:
    """One record as the broker would hand it over, and what becomes of it."""

    name: str
    """Path below the folder, without suffix."""
    about: str
    wire: str
    value: bytes | None
    key: bytes | None
    appended_at: int
    """Epoch milliseconds."""
    headers: tuple[tuple[str, bytes], ...] = ()
    limit: str | None = None
    """Field of :class:`schemas.limits.Limits` that it is exactly at (accepted) or just beyond (rejected)."""
    expect: Mapping[str, Any] = field(default_factory=dict)
    says: str = ""
    reason: str | None = None
    """Reason code, None if accepted."""


def examples() -> Iterator[Example]:
    """All examples, in order of their names."""
    for path in sorted(FOLDER.rglob("*.json")):
        yield _example(path)


def plain_events() -> list[dict[str, Any]]:
    """The events of ``events.jsonl``."""
    return [json.loads(line) for line in EVENTS.read_text(encoding="utf-8").splitlines()]


def alert_transitions() -> list[dict[str, Any]]:
    """The transitions of ``alerts.jsonl``."""
    return [json.loads(line) for line in ALERTS.read_text(encoding="utf-8").splitlines()]


def _example(path: Path) -> Example:
    content = json.loads(path.read_text(encoding="utf-8"))
    place = path.relative_to(FOLDER).with_suffix("")
    return Example(
        name=place.as_posix(),
        about=content["about"],
        wire=content["wire"],
        value=None if content["value"] is None else _bytes(content["value"]),
        key=None if content["key"] is None else content["key"].encode(),
        appended_at=content["appended_at"],
        headers=tuple((name, text.encode()) for name, text in content.get("headers", {}).items()),
        limit=content.get("limit"),
        expect=content.get("expect", {}),
        says=content.get("says", ""),
        reason=place.parts[1] if place.parts[0] == "rejected" else None,
    )


def _bytes(recipe: Any) -> bytes:
    if isinstance(recipe, list):
        return b"".join(_bytes(part) for part in recipe)
    if "repeat" in recipe:
        return _bytes(recipe["repeat"]) * int(recipe["times"])
    if "base64" in recipe:
        return base64.b64decode(recipe["base64"], validate=True)
    if "text" in recipe:
        return str(recipe["text"]).encode()
    return json.dumps(recipe["json"], separators=(",", ":"), ensure_ascii=False).encode()
