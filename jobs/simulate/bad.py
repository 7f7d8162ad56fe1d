"""Broken records of the kinds that real feeds contain, each made from a good event."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

Event = dict[str, Any]
_encode = msgspec.json.Encoder().encode


class Broken(NamedTuple):
    """A record that the event contract refuses, and what is wrong with it."""

    kind: str
    key: bytes | None
    value: bytes | None


def _changed(event: Event, **fields: object) -> bytes:
    return _encode({**event, "event_id": f"{event['event_id']}-b", **fields})


def _without(event: Event, name: str) -> bytes:
    return _encode({key: value for key, value in event.items() if key != name})


def _nested(event: Event) -> bytes:
    depth = 60
    return _encode(event)[:-1] + b',"attributes":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"


_KINDS: Final[tuple[tuple[str, Callable[[Event], bytes | None]], ...]] = (
    ("truncated", lambda event: _encode(event)[: len(_encode(event)) // 2]),
    ("not_json", lambda event: f"{event['type']};{event['customer_id']};n/a".encode()),
    ("not_utf8", lambda event: _encode(event)[:-1] + b',"reason":"\xff\xfe"}'),
    ("not_an_object", lambda event: _encode([event["event_id"], event["type"]])),
    ("no_customer", lambda event: _without(event, "customer_id")),
    ("no_event_id", lambda event: _without(event, "event_id")),
    ("no_time", lambda event: _without(event, "occurred_at")),
    ("no_type", lambda event: _without(event, "type")),
    ("unknown_type", lambda event: _changed(event, type="teleport")),
    ("time_without_zone", lambda event: _changed(event, occurred_at="2026-02-01 10:00")),
    ("far_future", lambda event: _changed(event, occurred_at="2099-12-31T23:59:59Z")),
    ("text_for_number", lambda event: _changed(event, wait_s="three minutes")),
    ("negative_wait", lambda event: _changed(event, wait_s=-5.0)),
    ("severity_out_of_range", lambda event: _changed(event, severity=9)),
    ("misspelt_field", lambda event: _changed(event, wait_seconds=30)),
    ("answer_off_the_scale", lambda event: _changed(event, type="answer", scale="csat", value=11)),
    ("control_character", lambda event: _changed(event, team="billing\x00team")),
    ("not_finite", lambda event: _changed(event, amount=0)[:-1] + b',"amount":NaN}'),
    ("too_deep", _nested),
    ("null_value", lambda _: None),
)
KINDS: Final = tuple(name for name, _ in _KINDS)


def broken(rng: random.Random, key: bytes, event: Event) -> Broken:
    """One broken variant of ``event``, of a kind drawn by ``rng``."""
    name, breaks = _KINDS[int(rng.random() * len(_KINDS))]
    return Broken(name, key, breaks(event))
