"""The Faust table of the job: Faust assigns, declares and recovers it; the flush alone writes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import faust
from faust.stores import memory

from jobs.stream.protocols import State


class PartitionedStore(memory.Store):
    """One dictionary of bytes per partition, as the pipelines use it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.partitions: dict[int, State] = {}

    def __len__(self) -> int:
        return sum(len(state) for state in self.partitions.values())

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        return ((partition, key) for partition, state in self.partitions.items() for key in state)


class StateTable(faust.Table):
    """A table without single-key access: its records belong to the partition's pipeline."""

    def _new_store(self) -> PartitionedStore:
        return PartitionedStore("memory://", self.app, self, table_name=self.name, loop=self.loop)

    def on_key_set(self, key: Any, value: Any) -> None:
        """Refuse: a write past the flush would break the chain of markers."""
        raise TypeError("the state table is written by flushes only")

    def on_key_del(self, key: Any) -> None:
        """Refuse, as :meth:`on_key_set`."""
        raise TypeError("the state table is written by flushes only")
