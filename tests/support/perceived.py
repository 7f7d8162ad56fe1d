"""What the pipeline knows of a batch of records, long after its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jobs.simulate import Record
from pipeline.advance import Clock, Fresh, add_events, step
from pipeline.batch import RawBatch
from pipeline.intake import take_in
from pipeline.model import Model
from pipeline.policy import DAY_MS, Policy
from pipeline.state import unpack
from pipeline.store import NO_WATERMARK
from pipeline.strings import Strings
from pipeline.view import Context, View
from schemas.limits import Limits


@dataclass(frozen=True, slots=True)
class Perceived:
    """Interactions and their observations, and what their codes mean."""

    events: int
    customers: Sequence[str]
    view: View
    context: Context


def perceived(records: Sequence[Record], model: Model) -> Perceived:
    """Run the pipeline's stages over ``records``; ValueError if one is rejected or late."""
    context = Context(Strings(), Policy(), model)
    times = np.array([record.timestamp_ms for record in records])
    values, keys = [record.value or b"" for record in records], [record.key for record in records]
    intake = take_in(RawBatch(np.arange(len(records)), times, keys, values), NO_WATERMARK, context, Limits())
    if len(intake.late) or intake.decoded.rejected:
        raise ValueError("the records were meant to be clean")
    events = intake.decoded.events
    present, customer = np.unique(events["customer"], return_inverse=True)
    names: list[str] = context.strings.take(present).tolist()
    stored = unpack(names, [None] * len(names), context.strings)
    remembered = np.full(len(events), NO_WATERMARK)
    fresh = Fresh(events, intake.decoded.notes, customer.astype(np.int32), remembered)
    end = int(events["occurred_ms"].max()) + 500 * DAY_MS
    done = step(stored, add_events(stored, fresh, context), Clock(NO_WATERMARK, end, -1, len(events)), context)
    return Perceived(len(events), names, done.now, context)
