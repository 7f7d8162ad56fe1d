"""From raw records to events on time: decoding, the watermark, and what is late."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline import eventrows, watermark
from pipeline.batch import Columns, RawBatch, Rejected
from pipeline.decode import Decoded, decode
from pipeline.records import pick
from pipeline.view import Context
from schemas.field_types import LATEST_MS
from schemas.limits import Limits

Index = NDArray[np.int64]
UNDATED: Final = -1
"""Append time of a record that has none: it holds the watermark where it is."""


def join(batches: Sequence[RawBatch]) -> RawBatch:
    """Consecutive batches as one."""
    if len(batches) == 1:
        return batches[0]
    headers = None
    if any(batch.headers is not None for batch in batches):
        headers = [header for batch in batches for header in (batch.headers or [()] * len(batch))]
    return RawBatch(
        offsets=np.concatenate([batch.offsets for batch in batches]) if batches else np.zeros(0, np.int64),
        timestamps=np.concatenate([batch.timestamps for batch in batches]) if batches else np.zeros(0, np.int64),
        keys=[key for batch in batches for key in batch.keys],
        values=[value for batch in batches for value in batch.values],
        headers=headers,
    )


@dataclass(frozen=True, slots=True)
class Intake:
    """The records of one flush, judged one by one in the order of the log."""

    decoded: Decoded
    on_time: Index
    """Indices of events that are not late."""
    late: Index
    at_event_ms: Index
    """Watermark at each event."""
    watermark_ms: int
    """After the last record."""
    last_offset: int


def take_in(batch: RawBatch, watermark_ms: int, context: Context, limits: Limits) -> Intake:
    """Decode ``batch`` and judge lateness against the running watermark, which starts at ``watermark_ms``."""
    batch = _dated(batch)
    decoded = decode(batch, context.strings, limits, context.policy.far_future_ms)
    events, ticks = decoded.events, decoded.ticks
    offset, occurred, appended = (
        np.concatenate((events[name], ticks[name])) for name in ("offset", "occurred_ms", "append_ms")
    )
    order = np.argsort(offset, kind="stable")
    running = watermark.running(offset[order], occurred[order], appended[order], watermark_ms)
    at_record = np.empty_like(running)
    at_record[order] = running
    at_event = at_record[: len(events)]
    late = watermark.late(events["occurred_ms"], at_event, context.policy.lateness_ms)
    return Intake(
        decoded,
        np.flatnonzero(~late),
        np.flatnonzero(late),
        at_event,
        int(running[-1]) if len(running) else watermark_ms,
        int(batch.offsets[-1]) if len(batch) else -1,
    )


def _dated(batch: RawBatch) -> RawBatch:
    """The batch with append times that are none as -1: producers may set them, to anything."""
    given = batch.timestamps
    if not len(given) or (given.min() >= UNDATED and given.max() <= LATEST_MS):
        return batch
    return replace(batch, timestamps=np.where((given < 0) | (given > LATEST_MS), UNDATED, given))


def event_rows(intake: Intake, chosen: Index, context: Context, topic: str, partition: int) -> dict[str, Columns]:
    """Rows that follow from the records alone: of events ``chosen``, of late events and of rejected records."""
    made: dict[str, Columns] = {}
    if len(chosen):
        made["event_rows"] = eventrows.events(intake.decoded, chosen, context, topic, partition)
    if len(intake.late):
        made["late_rows"] = _late(intake, context, topic, partition)
    if intake.decoded.rejected:
        made["rejected_rows"] = _rejected(intake.decoded.rejected, topic, partition)
    return made


def _late(intake: Intake, context: Context, topic: str, partition: int) -> Columns:
    events = pick(intake.decoded.events, intake.late)
    picked = intake.late.tolist()
    return {
        **eventrows.source(events["offset"], topic, partition),
        "customer_id": context.strings.take(events["customer"]),
        "event_id": [intake.decoded.event_ids[index] for index in picked],
        "occurred_at": events["occurred_ms"],
        "watermark": intake.at_event_ms[intake.late],
        "payload": [b64encode(intake.decoded.payloads[index]).decode() for index in picked],
        "appended_at": events["append_ms"],
        "version": events["offset"].astype(np.uint64),
    }


def _rejected(rejected: Sequence[Rejected], topic: str, partition: int) -> Columns:
    offsets = np.array([record.offset for record in rejected], np.int64)
    return {
        **eventrows.source(offsets, topic, partition),
        "reason": [record.reason for record in rejected],
        "message": [record.message for record in rejected],
        "key": [b64encode(record.key or b"").decode() for record in rejected],
        "payload": [b64encode(record.value or b"").decode() for record in rejected],
        "appended_at": np.array([record.timestamp for record in rejected], np.int64),
        "version": offsets.astype(np.uint64),
    }
