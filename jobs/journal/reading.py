"""From a warehouse to the journal of the customers who gave answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from jobs.journal.facts import ASKED, FOREVER_MS, NAMED, Facts
from jobs.journal.tracks import Journal, Track
from jobs.warehouse.protocol import Warehouse
from jobs.warehouse.sql import Plain
from pipeline.batch import Texts
from pipeline.decode_columns import TYPE_CODES
from pipeline.predictor import ATTRIBUTES, FIELDS, MEASURES, NUMBERS, SIGNALS
from pipeline.signals import discover

Index = NDArray[np.int64]
_SUMMED: Final = ("transfers", "wait_s", "duration_s", "amount")
_FIRST: Final = ("channel", "touchpoint", "reason")
"""Fields whose first value in an interaction counts; of others the last one."""

_EVENTS: Final = f"""
SELECT
    e.customer_id AS customer_id,
    j.journey_key AS journey_key,
    j.interaction_key AS interaction_key,
    toUnixTimestamp64Milli(e.occurred_at) AS at_ms,
    toString(e.type) AS type,
    {", ".join(f"toString(e.{name}) AS {name}" for name in FIELDS)},
    {", ".join(f"toFloat64(ifNull(e.{name}, nan)) AS {name}" for name in NUMBERS)},
    e.measures AS measures,
    e.attributes AS attributes
FROM
(
    SELECT * FROM events
    WHERE type != 'answer' AND customer_id IN (@asked@) AND occurred_at < fromUnixTimestamp64Milli({{until:Int64}})
) AS e
INNER JOIN (SELECT * FROM event_journeys WHERE interaction_key != '' AND customer_id IN (@asked@)) AS j
    ON j.customer_id = e.customer_id AND j.event_id = e.event_id
ORDER BY customer_id, @by@, at_ms, e.sequence, e.event_id
"""  # noqa: S608 - names of declared columns


def read(
    warehouse: Warehouse,
    facts: Facts,
    until_ms: int | None = None,
    *,
    customers: Sequence[str] | None = None,
    by: str = "journey_key",
) -> Journal:
    """The journal of customers with answers.

    Args:
        warehouse: filled by a replay or a worker.
        facts: their interactions: what signals look at.
        until_ms: only events from before this time.
        customers: those customers instead.
        by: what is told apart: journeys (``journey_key``) or interactions (``interaction_key``).
    """
    asked: dict[str, Plain] = {"until": FOREVER_MS if until_ms is None else until_ms}
    asked |= {} if customers is None else {"customers": list(customers)}
    sql = _EVENTS.replace("@asked@", ASKED if customers is None else NAMED).replace("@by@", by)
    found = warehouse.query(sql, asked)
    columns = dict(zip(found.names, zip(*found.rows, strict=True), strict=True)) if found.rows else {}
    if not columns:
        return Journal.of([], np.zeros(0, np.int64), {})
    keys = list(zip(columns["customer_id"], columns["interaction_key"], strict=True))
    interaction = _codes(keys)
    kinds = np.array(columns["type"], dtype=object)
    tracks = {**_fields(columns, interaction, kinds), **_numbers(columns, interaction, kinds)}
    tracks |= _bags(MEASURES, columns["measures"], kinds) | _bags(ATTRIBUTES, columns["attributes"], kinds)
    tracks |= _signals(keys, interaction, facts.by_key())
    journeys, at_ms = list(zip(columns["customer_id"], columns[by], strict=True)), np.array(columns["at_ms"], np.int64)
    begun = _begun(keys, interaction, at_ms, facts.by_key())
    tracks = {name: track.in_order(_codes(journeys), begun) for name, track in tracks.items()}
    bits = np.array([1 << TYPE_CODES[name] for name in columns["type"]], np.uint32)
    return Journal.of(journeys, at_ms, tracks, bits)


def _begun(
    keys: Sequence[tuple[str, str]], interaction: Index, at_ms: Index, facts: Mapping[tuple[str, str], Any]
) -> Index:
    """Of each event, the place of its interaction among all, in order of (start, sequence, event hash)."""
    _, first = np.unique(interaction, return_index=True)
    told = [facts.get(keys[row]) for row in first.tolist()]
    start, sequence = (
        np.array([other if fact is None else int(fact[name]) for fact, other in zip(told, others, strict=True)])
        for name, others in (("start_ms", at_ms[first].tolist()), ("sequence", [0] * len(first)))
    )
    tie = np.array([0 if fact is None else int(fact["event_hash"]) for fact in told], np.uint64)
    place = np.empty(len(first), np.int64)
    place[np.lexsort((tie, sequence, start))] = np.arange(len(first))
    return np.asarray(place[interaction])


def _codes(keys: Iterable[tuple[str, str]]) -> Index:
    """A code per key, in order of first use."""
    known: dict[tuple[str, str], int] = {}
    return np.array([known.setdefault(key, len(known)) for key in keys], np.int64)


def _fields(columns: Mapping[str, Sequence[str]], interaction: Index, kinds: NDArray[np.object_]) -> dict[str, Track]:
    """Text fields, by the rules of an interaction: the first given, or the last."""
    found = {}
    for name in FIELDS:
        dictionary, codes = np.unique(np.array(columns[name], dtype=object), return_inverse=True)
        given = np.flatnonzero(np.array(dictionary != "", dtype=bool)[codes])
        source = _first_of(interaction, given) if name in _FIRST else given
        found[name] = Track(given, Texts(codes[source], dictionary), _types(kinds[given]))
    return {name: track for name, track in found.items() if len(track.rows)}


def _first_of(interaction: Index, given: Index) -> Index:
    """For each of the rows ``given``, the first of them in its interaction."""
    _, first, place = np.unique(interaction[given], return_index=True, return_inverse=True)
    return np.asarray(given[first[place]])


def _numbers(
    columns: Mapping[str, Sequence[float]], interaction: Index, kinds: NDArray[np.object_]
) -> dict[str, Track]:
    """Numbers, by the rules of an interaction: the sum so far, the greatest (severity), or the last."""
    found = {}
    for name in NUMBERS:
        values = np.array(columns[name], dtype=np.float64)
        given = np.flatnonzero(~np.isnan(values))
        if len(given):
            found[name] = Track(given, _running(name, interaction[given], values[given]), _types(kinds[given]))
    return found


def _running(name: str, interaction: Index, values: NDArray[np.float64]) -> NDArray[np.float64]:
    if name not in (*_SUMMED, "severity"):
        return values
    total: dict[int, float] = {}
    found = np.empty(len(values))
    for row, (key, value) in enumerate(zip(interaction.tolist(), values.tolist(), strict=True)):
        before = total.get(key)
        if before is None:
            now = value
        else:
            now = max(before, value) if name == "severity" else before + value
        found[row] = total[key] = now
    return found


def _bags(prefix: str, bags: Sequence[Mapping[str, Any]], kinds: NDArray[np.object_]) -> dict[str, Track]:
    """Measures or attributes by name: the last given."""
    rows: dict[str, list[int]] = {}
    values: dict[str, list[Any]] = {}
    for row, bag in enumerate(bags):
        for name, value in bag.items():
            rows.setdefault(name, []).append(row)
            values.setdefault(name, []).append(value)
    return {
        f"{prefix}{name}": Track(
            np.array(rows[name], np.int64), _values(prefix, values[name]), _types(kinds[rows[name]])
        )
        for name in sorted(rows)
    }


def _values(prefix: str, values: list[Any]) -> NDArray[np.float64] | Texts:
    if prefix == MEASURES:
        return np.array(values, dtype=np.float64)
    dictionary, codes = np.unique(np.array(values, dtype=object), return_inverse=True)
    return Texts(codes, dictionary)


def _types(kinds: NDArray[np.object_]) -> tuple[str, ...]:
    return tuple(sorted(set(kinds.tolist())))


def _signals(
    keys: Sequence[tuple[str, str]], interaction: Index, facts: Mapping[tuple[str, str], Any]
) -> dict[str, Track]:
    """Levels of signals: known at the last event of their interaction."""
    last = np.sort(len(keys) - 1 - np.unique(interaction[::-1], return_index=True)[1])
    told = [row for row in last.tolist() if keys[row] in facts]
    if not told:
        return {}
    rows, records = np.array(told, np.int64), np.array([facts[keys[row]] for row in told])
    found = {}
    for name, signal in discover().items():
        level = signal.observed(records)
        known = signal.applies(records) & ~np.isnan(level)
        if known.any():
            found[f"{SIGNALS}{name}"] = Track(rows[known], level[known], ())
    return found
