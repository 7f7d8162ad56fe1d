"""Records of the input topic as aiokafka's parser makes them: its public record costs as much as all of the fetch.

aiokafka copies every parsed record into a frozen dataclass of eleven fields; of those the batch needs five, and the
parser's record has them under the same names (:class:`jobs.stream.fetched.Record`).
"""

from __future__ import annotations

from typing import Any, ClassVar

from aiokafka.consumer import fetcher


class LeanRecords(fetcher.PartitionRecords):
    """Parsed records of a fetched partition; of ``topics`` they are handed over as they are."""

    topics: ClassVar[set[str]] = set()

    def _consumer_record(self, tp: Any, record: Any) -> Any:
        return record if tp.topic in self.topics else super()._consumer_record(tp, record)


def spare(topic: str) -> None:
    """Hand the records of ``topic`` over as parsed, in every consumer of this process; none may have deserialisers."""
    LeanRecords.topics.add(topic)
    fetcher.PartitionRecords = LeanRecords
