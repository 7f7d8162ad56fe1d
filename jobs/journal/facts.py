"""Interactions of a warehouse as the records that signals look at: its events, through the pipeline's own rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from jobs.warehouse.protocol import Warehouse
from jobs.warehouse.sql import Plain
from pipeline import lookback, sessionize
from pipeline.decode_columns import STATUS_CODES, TYPE_CODES, text_hashes
from pipeline.ids import interaction_keys
from pipeline.pieces import from_events
from pipeline.policy import Policy
from pipeline.records import EVENT, PIECE, STRING_FIELDS, TRACE
from pipeline.strings import Strings

FOREVER_MS: Final = 4_102_444_800_000
ASKED: Final = "SELECT customer_id FROM events WHERE type = 'answer'"
"""Customers with answers, as SQL."""
NAMED: Final = "{customers:Array(String)}"
"""Customers that a parameter names, as SQL."""
MOST_EVENTS: Final = 1_000_000
"""Events from which prevalences are learnt: of more, those of customers chosen by the hash of their id."""
_SAMPLED: Final = "SELECT customer_id FROM customers WHERE cityHash64(customer_id) % {parts:UInt32} = 0"

_TEXTS: Final = tuple(f"{name}_id" if name in {"interaction", "journey"} else name for name in STRING_FIELDS)
_WHOLES: Final = ("severity", "visible", "resolved", "transfers")
_FLOATS: Final = ("wait_s", "promised_s", "duration_s", "amount")

_EVENTS: Final = f"""
SELECT
    customer_id, event_id, toUnixTimestamp64Milli(occurred_at) AS occurred_ms, sequence, toString(type) AS type,
    toString(status) AS status,
    {", ".join(f"toString({name}) AS {name}" for name in _TEXTS)},
    {", ".join(f"toInt32(ifNull({name}, -1)) AS {name}" for name in _WHOLES)},
    {", ".join(f"toFloat64(ifNull({name}, nan)) AS {name}" for name in _FLOATS)}
FROM events
WHERE occurred_at < fromUnixTimestamp64Milli({{until:Int64}}) AND customer_id IN (@who@)
ORDER BY customer_id, occurred_ms, sequence, event_id
"""  # noqa: S608 - names of declared columns


@dataclass(frozen=True, slots=True)
class Facts:
    """Two-way interactions of some customers, shape (m,)."""

    keys: list[tuple[str, str]]
    """Customer id and interaction key."""
    records: NDArray[Any]
    """dtype PIECE; ``customer`` numbers the customers, texts are codes of ``strings``."""
    closed: NDArray[np.bool_]
    """Silent for longer than the channel's gap when the last of all events happened."""
    strings: Strings

    def by_key(self) -> dict[tuple[str, str], Any]:
        """The record of each key."""
        return dict(zip(self.keys, self.records, strict=True))


def read_facts(
    warehouse: Warehouse,
    until_ms: int | None = None,
    *,
    customers: Sequence[str] | None = None,
    policy: Policy = Policy(),
) -> Facts:
    """Interactions from before ``until_ms``, of customers with answers or of ``customers``.

    ``policy`` is the one that the warehouse was filled with: it says where interactions end.
    """
    asked: dict[str, Plain] = {} if customers is None else {"customers": list(customers)}
    return _facts(warehouse, ASKED if customers is None else NAMED, until_ms, asked, policy)


def sampled_facts(warehouse: Warehouse, until_ms: int | None = None, policy: Policy = Policy()) -> Facts:
    """Interactions from before ``until_ms`` of all customers, or of as many as have :data:`MOST_EVENTS` events."""
    events = int(warehouse.query("SELECT count() FROM events").value())
    return _facts(warehouse, _SAMPLED, until_ms, {"parts": max(1, -(-events // MOST_EVENTS))}, policy)


def _facts(warehouse: Warehouse, who: str, until_ms: int | None, asked: Mapping[str, Plain], policy: Policy) -> Facts:
    until: dict[str, Plain] = {"until": FOREVER_MS if until_ms is None else until_ms}
    found = warehouse.query(_EVENTS.replace("@who@", who), {**until, **asked})
    strings = Strings()
    if not found.rows:
        return Facts([], np.zeros(0, dtype=PIECE), np.zeros(0, dtype=np.bool_), strings)
    columns = dict(zip(found.names, zip(*found.rows, strict=True), strict=True))
    people, customer = np.unique(np.array(columns["customer_id"], dtype=object), return_inverse=True)
    events = _events(columns, strings)
    pieces = np.zeros(len(events), PIECE)
    from_events(pieces, events, customer.astype(np.int32), strings, policy)
    facts = sessionize.facts_of(pieces, sessionize.group(pieces, strings, policy), policy)
    nothing = np.zeros(len(facts.rows), np.uint32)
    ever = np.iinfo(np.int64).min // 2
    lookback.put(facts.rows, lookback.judge(facts.within, nothing, np.zeros(0, dtype=TRACE), ever, policy))
    keys = interaction_keys(people, facts.rows, strings)
    names = people[facts.rows["customer"]].tolist()
    closed = sessionize.closed(facts.rows, int(events["occurred_ms"].max()), strings, policy)
    return Facts(list(zip(names, keys, strict=True)), facts.rows, closed, strings)


def _events(columns: Mapping[str, Sequence[Any]], strings: Strings) -> NDArray[Any]:
    """EVENT records of rows."""
    events = np.zeros(len(columns["event_id"]), dtype=EVENT)
    events["occurred_ms"], events["sequence"] = columns["occurred_ms"], columns["sequence"]
    events["event_hash"] = text_hashes(columns["event_id"])
    events["type"] = [TYPE_CODES[name] for name in columns["type"]]
    events["status"] = [STATUS_CODES[name or None] for name in columns["status"]]
    for field, name in zip(STRING_FIELDS, _TEXTS, strict=True):
        events[field] = strings.codes(columns[name])
    for name in (*_WHOLES, *_FLOATS):
        events[name] = columns[name]
    return events
