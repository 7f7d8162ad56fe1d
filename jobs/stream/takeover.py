"""Confirm what a predecessor left unconfirmed: its state is in the changelog, its rows may be missing."""

from __future__ import annotations

import asyncio
import logging

from jobs.stream.connection import Connection
from jobs.stream.errors import StateBehindError
from jobs.stream.flush import Effects
from jobs.stream.guard import guarded
from jobs.stream.logreader import LogReader
from jobs.stream.positions import check_positions
from jobs.stream.protocols import Pipeline

log = logging.getLogger(__name__)


async def take_over(pipeline: Pipeline, effects: Effects, connection: Connection, committed: int | None) -> None:
    """Write the rows between the committed offset and the state's marker again, then commit the marker.

    ``committed`` is the next offset to read as the group has it, None or negative = never committed. Rejected
    records are not sent again: they were part of the changelog transaction.
    """
    last = max(committed or 0, 0) - 1
    reached = pipeline.marker.offset
    if reached < last:
        raise _behind(effects, reached, last)
    if reached == last:
        return
    log.info("Partition %d: writing rows of offsets %d to %d again", effects.partition, last + 1, reached)
    # 1. Facts and retractions, from the state alone.
    await effects.rows.write(await asyncio.to_thread(guarded, _named(effects), pipeline.rewrite, last))
    effects.reach("amid-takeover")
    # 2. Raw, late and rejected rows of the last flush: the state does not keep them, the log does.
    await _reread(pipeline, effects, connection)
    # 3. Offset.
    await effects.commit(reached + 1)


async def _reread(pipeline: Pipeline, effects: Effects, connection: Connection) -> None:
    marker, partition = pipeline.marker, effects.partition
    async with LogReader(connection, effects.topic, partition) as reader:
        first, end = await reader.bounds()
        check_positions(effects.topic, {partition: marker.offset + 1}, {}, {partition: end})
        batches = [batch async for batch in reader.batches(max(marker.previous + 1, first), marker.offset + 1)]
    if batches:
        rows, _ = await asyncio.to_thread(guarded, _named(effects), pipeline.reread, batches)
        await effects.rows.write(rows)


def _named(effects: Effects) -> str:
    return f"partition {effects.partition}, taken over"


def _behind(effects: Effects, reached: int, last: int) -> StateBehindError:
    name = f"{effects.topic}[{effects.partition}]"
    return StateBehindError(
        f"{name}: offset {last} is committed, but the state in the changelog ends at {reached}",
        action="The changelog has lost records. Restore it, or reset the group's offset of this partition to "
        f"{reached + 1} (kafka-consumer-groups --reset-offsets) to process the records in between again.",
    )
