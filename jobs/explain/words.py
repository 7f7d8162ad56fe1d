"""What a predictor found in each interaction, in words: its effect and the features that have most of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.journal import Facts, Journal, read, read_facts
from jobs.warehouse.protocol import Warehouse
from pipeline.batch import Texts
from pipeline.carried import ASKED
from pipeline.model import Model
from pipeline.predictor import Column, Flags, Predictor
from pipeline.signals._base import has_type, type_bits
from schemas.event import EVENT_TYPES

Index = NDArray[np.int64]

_MOST: Final = 3
"""Features that are named."""
_JOURNEYS: Final = """
SELECT interaction_key, journey_key FROM interactions WHERE customer_id = {customer:String}
"""


def words(store: Warehouse, customer: str, model: Model) -> dict[str, str]:
    """Text per interaction of ``customer``; nothing without a predictor, or where it finds no feature.

    Points are means over the dimensions. Features are those of the journey up to the end of the interaction, with the
    earlier event that brought them; of causes of which a part stays those that the interaction itself brought.
    """
    if model.predictor is None:
        return {}
    facts = read_facts(store, customers=[customer])
    if not facts.keys:
        return {}
    if model.predictor.journey_wide:
        keys = dict(store.query(_JOURNEYS, {"customer": customer}).rows)
        journal = read(store, facts, customers=[customer])
    else:
        keys = {key: key for _, key in facts.keys}
        journal = read(store, facts, customers=[customer], by="interaction_key")
    codes = np.array([journal.codes.get((customer, keys.get(key, "")), -1) for _, key in facts.keys], np.int64)
    person = np.full(len(codes), journal.people.get(customer, -1) if model.predictor.journey_wide else -1)
    return _texts(facts, journal, journal.before(codes, person, facts.records["end_ms"]), model.predictor)


def _texts(facts: Facts, journal: Journal, position: Index, predictor: Predictor) -> dict[str, str]:
    """Text per interaction; ``position`` is the last event of its journey until it ended, -1 = none."""
    rows = np.flatnonzero(position >= 0)
    records, position = facts.records[rows], position[rows]
    columns = journal.columns(position, predictor.features)
    parts = {
        name: effect.mean(axis=1)
        for name, effect in predictor.parts(columns, _missing(facts, journal, rows, position, predictor)).items()
    }
    sources = {name: journal.sources(position, name) for name in predictor.features}
    found = {}
    for place, row in enumerate(rows.tolist()):
        brought = {
            name: "" if source[place] < 0 else _event(journal, int(source[place]), int(records["start_ms"][place]))
            for name, source in sources.items()
        }
        text = _text({name: float(effect[place]) for name, effect in parts.items()}, columns, brought, place)
        if text:
            found[facts.keys[row][1]] = text
    return found


def _missing(facts: Facts, journal: Journal, rows: Index, position: Index, predictor: Predictor) -> dict[str, Flags]:
    """What is not known counts as missing where it could have been given, or the journey was asked about."""
    records = facts.records[rows]
    if not predictor.journey_wide:
        return {name: has_type(records, type_bits(*feature.types)) for name, feature in predictor.features.items()}
    begin = np.searchsorted(journal.journey, journal.journey[position])
    spans = zip(begin.tolist(), position.tolist(), strict=True)
    seen = np.array([np.bitwise_or.reduce(journal.bits[first : last + 1]) for first, last in spans], np.uint32)
    seen |= records["types"] & ASKED
    return {
        name: np.asarray((seen & (type_bits(*feature.types) | ASKED)) != 0)
        for name, feature in predictor.features.items()
    }


def _event(journal: Journal, row: int, start_ms: int) -> str:
    """Words for an event from before ``start_ms``; empty for others."""
    at_ms = int(journal.at_ms[row])
    if at_ms >= start_ms:
        return ""
    kind = EVENT_TYPES[int(journal.bits[row]).bit_length() - 1].replace("_", " ")
    return f", the {kind} of {datetime.fromtimestamp(at_ms / 1_000, UTC):%d %b}"


def _text(effects: Mapping[str, float], columns: Mapping[str, Column], brought: Mapping[str, str], row: int) -> str:
    told = {name: effect for name, effect in effects.items() if not np.isnan(effect)}
    if not told:
        return ""
    largest = sorted(told, key=lambda name: (-abs(told[name]), name))[:_MOST]
    named = "; ".join(f"{name} {_value(columns[name], row)} {told[name]:+.1f}{brought[name]}" for name in largest)
    rest = f" and {len(told) - len(largest)} more" if len(told) > len(largest) else ""
    return f"features {sum(told.values()):+.1f} ({named}{rest})"


def _value(column: Column, row: int) -> str:
    if isinstance(column, Texts):
        return str(column.dictionary[column.codes[row]]) or "missing"
    return "missing" if np.isnan(column[row]) else f"{column[row]:g}"
