"""Restore the state of a partition from its changelog."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from jobs.stream.chain import Chain
from jobs.stream.chunks import Record
from jobs.stream.connection import Connection
from jobs.stream.errors import UnreadableStateError
from jobs.stream.fragments import Fragments
from jobs.stream.logreader import LogReader
from jobs.stream.protocols import State
from pipeline.batch import Marker

Room = Callable[[str], Awaitable[None]]
"""Called, with what is restored, before more is read; raises if there is no memory for it."""


async def unbounded(_: str) -> None:
    """Memory for everything."""


async def restore(
    connection: Connection, topic: str, partition: int, room: Room = unbounded
) -> tuple[State, Marker | None, Fragments]:
    """State, last marker (None: no flush yet), and which values are in fragments.

    Call it after the partition's producer has started: older producers are fenced then, so the end cannot move.
    Raises :class:`UnreadableStateError`, :class:`BrokenChainError` or what ``room`` raises.
    """
    state: State = {}
    name = f"{topic}[{partition}]"
    chain, fragments = Chain(name), Fragments()
    async with LogReader(connection, topic, partition) as log:
        async for records in log.read(*await log.bounds()):
            await room(name)
            apply(state, chain, records)
    chain.finish()
    fragments.join(state)
    return state, chain.last, fragments


def apply(state: State, chain: Chain, records: Sequence[Record]) -> None:
    """Apply changelog records to the state."""
    for record in records:
        key, value = record.key, record.value
        if key is None:
            raise UnreadableStateError(
                f"changelog record at offset {record.offset} has no key",
                action="Something else writes to the changelog topic: find and stop it, then rebuild the state.",
            )
        chain.record(key, value)
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value
