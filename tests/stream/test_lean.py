"""The contract with aiokafka that lets records of the input topic skip its public record."""

from __future__ import annotations

import inspect
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from jobs.stream.fetched import pack
from jobs.stream.lean import spare


def test_records_of_the_input_topic_are_handed_over_as_parsed() -> None:
    assert "partition_records = PartitionRecords(" in inspect.getsource(fetcher.Fetcher._proc_fetch_request)
    builder = DefaultRecordBatchBuilder(2, 0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=0,
                                        batch_size=1_000)  # fmt: skip
    builder.append(0, 1_700_000_000_000, b"key", b"value", [("h", b"1")])
    builder.append(1, 1_700_000_000_001, None, None, [])
    spare("lean")
    lean, full = (_parsed(topic, bytes(builder.build())) for topic in ("lean", "full"))
    assert {type(record) for record in full} == {ConsumerRecord}
    assert ConsumerRecord not in {type(record) for record in lean}
    one, other = pack(lean), pack(full)
    assert (
        (list(one.keys), list(one.values))
        == (list(other.keys), list(other.values))
        == ([b"key", None], [b"value", None])
    )
    assert (one.offsets.tolist(), one.timestamps.tolist()) == (other.offsets.tolist(), other.timestamps.tolist())
    assert [list(headers) for headers in one.headers or ()] == [list(headers) for headers in other.headers or ()]


def _parsed(topic: str, data: bytes) -> list[Any]:
    records = MemoryRecords(data)
    return list(fetcher.PartitionRecords(TopicPartition(topic, 0), records, [], 0, None, None, True, 1))
