"""What a predictor found in each interaction, in words: its effect and the features that have most of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from jobs.journal import read, read_facts
from jobs.warehouse.protocol import Warehouse
from pipeline.batch import Texts
from pipeline.model import Model
from pipeline.predictor import Column
from pipeline.signals._base import has_type, type_bits

_MOST: Final = 3
"""Features that are named."""


def words(store: Warehouse, customer: str, model: Model) -> dict[str, str]:
    """Text per interaction of ``customer``; nothing without a predictor, or where it finds no feature.

    Points are means over the dimensions. The features are those that the interaction itself brought.
    """
    if model.predictor is None:
        return {}
    facts = read_facts(store, customers=[customer])
    journal = read(store, facts, customers=[customer], by="interaction_key")
    place = {key: row for row, key in enumerate(facts.keys)}
    keys = [key for key in sorted(journal.codes, key=lambda key: journal.codes[key]) if key in place]
    if not keys:
        return {}
    records = facts.records[[place[key] for key in keys]]
    position = journal.last()[[journal.codes[key] for key in keys]]
    features = model.predictor.features
    columns = journal.columns(position, features)
    missing = {name: has_type(records, type_bits(*feature.types)) for name, feature in features.items()}
    parts = {name: effect.mean(axis=1) for name, effect in model.predictor.parts(columns, missing).items()}
    return {
        key: text
        for row, (_, key) in enumerate(keys)
        if (text := _text({name: float(effect[row]) for name, effect in parts.items()}, columns, row))
    }


def _text(effects: Mapping[str, float], columns: Mapping[str, Column], row: int) -> str:
    told = {name: effect for name, effect in effects.items() if not np.isnan(effect)}
    if not told:
        return ""
    largest = sorted(told, key=lambda name: (-abs(told[name]), name))[:_MOST]
    named = ", ".join(f"{name} {_value(columns[name], row)} {told[name]:+.1f}" for name in largest)
    rest = f" and {len(told) - len(largest)} more" if len(told) > len(largest) else ""
    return f"features {sum(told.values()):+.1f} ({named}{rest})"


def _value(column: Column, row: int) -> str:
    if isinstance(column, Texts):
        return str(column.dictionary[column.codes[row]]) or "missing"
    return "missing" if np.isnan(column[row]) else f"{column[row]:g}"
