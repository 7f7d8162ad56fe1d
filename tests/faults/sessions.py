"""What the control of the ``tables`` faults makes: sessions of a customer and channel, and rows that say so.

Shared by the agent and by the harness, which calculates the final table from the events alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

GAP_MS = 30 * 60_000
TABLE = "stock_sessions"
CREATE = f"""
CREATE TABLE {TABLE} (key String, start_ms Int64, end_ms Int64, events UInt32, version UInt64, is_deleted UInt8)
ENGINE = ReplacingMergeTree(version, is_deleted) ORDER BY (key, start_ms)
"""
COLUMNS = "key, start_ms, end_ms, events, version, is_deleted"
Session = tuple[int, int, int]
"""Start, end (milliseconds) and number of events."""


def key_of(event: Mapping[str, Any]) -> str:
    """Sessions are made per customer and channel."""
    return f"{event['customer_id']}|{event.get('channel', '')}"


def merged(sessions: Iterable[Session], at_ms: int) -> list[Session]:
    """The sessions after one more event, which may extend one or bridge two."""
    kept, start, end, events = [], at_ms, at_ms, 1
    for session in sessions:
        if session[0] - GAP_MS <= at_ms <= session[1] + GAP_MS:
            start, end, events = min(start, session[0]), max(end, session[1]), events + session[2]
        else:
            kept.append(session)
    return sorted([*kept, (start, end, events)])


def final(events: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], tuple[int, int]]:
    """The table of all events: (key, start) -> (end, events)."""
    sessions: dict[str, list[Session]] = {}
    for event in events:
        key = key_of(event)
        sessions[key] = merged(sessions.get(key, []), event["occurred_at"])
    return {(key, start): (end, count) for key, held in sessions.items() for start, end, count in held}
