"""Rows of accepted events, and where records come from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.batch import Columns, Texts
from pipeline.records import pick
from pipeline.rows import common
from pipeline.view import Context

Index = NDArray[np.int64]


def events(decoded: Any, chosen: Index, context: Context, topic: str, partition: int) -> Columns:
    """Rows of the accepted events ``chosen``; of conflicting duplicates the lowest offset has the highest version."""
    rows = pick(decoded.events, chosen)
    answer = _answer_columns(decoded, chosen, context)
    return {
        "customer_id": context.strings.take(rows["customer"]),
        "event_id": _picked(decoded.event_ids, chosen),
        "occurred_at": rows["occurred_ms"],
        "sequence": rows["sequence"],
        **common(rows, context),
        **answer,
        "measures": decoded.measures.take(chosen),
        "attributes": decoded.attributes.take(chosen),
        "appended_at": rows["append_ms"],
        **source(rows["offset"], topic, partition),
        "version": (np.iinfo(np.int64).max - rows["offset"]).astype(np.uint64),
    }


def _picked(values: list[str], chosen: Index) -> list[str]:
    return values if len(chosen) == len(values) else list(map(values.__getitem__, chosen.tolist()))


def _answer_columns(decoded: Any, chosen: Index, context: Context) -> dict[str, Any]:
    notes = decoded.notes
    scale = np.zeros(len(decoded.events), np.int32)
    scale[notes["owner"]] = notes["name"]
    columns: dict[str, Any] = {"scale": context.strings.texts(scale[chosen])}
    for column, name in (("value", "value"), ("scale_min", "low"), ("scale_max", "high")):
        values = np.full(len(decoded.events), np.nan)
        values[notes["owner"]] = notes[name]
        columns[column] = values[chosen]
    return columns


def source(offsets: Index, topic: str, partition: int) -> dict[str, Any]:
    """Where records at ``offsets`` come from."""
    return {
        "source_topic": Texts.constant(topic, len(offsets)),
        "source_partition": np.full(len(offsets), partition, np.int32),
        "source_offset": offsets,
    }
