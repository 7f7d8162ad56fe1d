"""Faust's table recovery with the reading replaced: in batches, committed records only, to an end by position.

Overrides of Faust 0.15.3, each with a contract test: ``TableManager.recovery``; ``Recovery._build_highwaters``,
``_build_offsets``, ``_seek_offsets``, ``need_recovery`` (Faust has nothing to read), ``on_recovery_completed``
(everything is read here, before the streams resume; another rebalance cancels it).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from faust.tables.manager import TableManager as FaustTableManager
from faust.tables.recovery import Recovery as FaustRecovery
from faust.types import TP

from jobs.errors import PerceptionError
from jobs.stream.errors import PartitionsError
from jobs.stream.positions import check_positions
from jobs.stream.sessions import Sessions

log = logging.getLogger(__name__)


class Recovery(FaustRecovery):
    """Restores the sessions of the assigned partitions."""

    async def _build_highwaters(self, *_: Any) -> None:
        """Nothing: the end is read by the restore itself."""

    async def _build_offsets(self, *_: Any) -> None:
        """Nothing: the restore reads from the start."""

    async def _seek_offsets(self, *_: Any) -> None:
        """Nothing: Faust's consumer does not read the changelog."""

    def need_recovery(self) -> bool:
        """Never by Faust's own reading."""
        return False

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Restore, take over, set positions, then let Faust resume the streams."""
        try:
            await self._restore(generation_id)
        except PerceptionError as error:
            self.app.announce(error)
            raise
        await super().on_recovery_completed(generation_id)

    async def _restore(self, generation_id: int) -> None:
        consumer, groups = self.app.consumer, self.app.groups()
        committed = await consumer.seek_to_committed() if consumer.assignment() else {}
        starts: dict[TP, int] = {}
        for topic, sessions in groups.items():
            starts |= await self._restore_group(topic, sessions, committed, generation_id)
        epoch = await consumer.start_at(starts)
        for sessions in groups.values():
            sessions.begin(epoch)

    async def _restore_group(
        self, topic: str, sessions: Sessions, committed: Mapping[TP, int | None], generation_id: int
    ) -> dict[TP, int]:
        """The assigned partitions of one topic; returns where to read on."""
        consumer = self.app.consumer
        assigned = {tp for tp in consumer.assignment() if tp.topic == topic}
        if assigned:
            self._check_partitions(topic)
        await sessions.restore({tp.partition: committed.get(tp) for tp in assigned}, generation_id)
        positions = sessions.positions()
        if assigned:
            firsts, ends = await consumer.earliest_offsets(*assigned), await consumer.highwaters(*assigned)
            check_positions(topic, positions, _by_partition(firsts), _by_partition(ends))
        return {TP(topic, partition): offset for partition, offset in positions.items()}

    def _check_partitions(self, topic: str) -> None:
        consumer = self.app.consumer
        changelog = self.app.state_tables[topic].changelog_topic_name
        found = {name: consumer.topic_partitions(name) for name in (topic, changelog)}
        if found[topic] != found[changelog]:
            raise PartitionsError(
                "topics must have the same number of partitions: "
                + ", ".join(f"{name} has {count or 'none'}" for name, count in found.items()),
                action="Create the topics with `perception topics apply`; PERCEPTION_KAFKA__PARTITIONS must be the "
                "number of the input topic. If partitions were added to it, keys have moved away from their state: "
                "produce into a new topic, with a new PERCEPTION_KAFKA__APPLICATION_ID and an empty database.",
            )


def _by_partition(offsets: Mapping[TP, int | None]) -> dict[int, int | None]:
    return {tp.partition: offset for tp, offset in offsets.items()}


class TableManager(FaustTableManager):
    """Faust's table manager with our recovery."""

    _own_recovery: Recovery | None = None

    @property
    def recovery(self) -> Recovery:
        """The recovery service."""
        if self._own_recovery is None:
            # Faust stops the service that it finds under its own name.
            self._recovery = self._own_recovery = Recovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._own_recovery
