"""The contract with aiokafka that lets records of the input topic go through by the batch."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords

from jobs.stream.chunks import Chunk, chunks_of, joined
from jobs.stream.lean import KeptRecords, spare
from pipeline.batch import RawBatch

READ_COMMITTED = 1


def test_records_of_the_input_topic_are_handed_over_as_parsed() -> None:
    assert "partition_records = PartitionRecords(" in inspect.getsource(fetcher.Fetcher._proc_fetch_request)
    data = _batch(0, 2)
    lean, full = _parsed("lean", data), _parsed("full", data)
    assert {type(record) for record in full} == {ConsumerRecord}
    assert {type(item) for item in lean} == {Chunk}
    one, other = _whole(lean), _whole(full)
    assert (list(one.keys), list(one.values)) == (list(other.keys), list(other.values))
    assert list(one.keys) == [None, b"key-1"]
    assert (one.offsets.tolist(), one.timestamps.tolist()) == (other.offsets.tolist(), other.timestamps.tolist())
    assert [list(headers) for headers in one.headers or ()] == [list(headers) for headers in other.headers or ()]


@pytest.mark.parametrize("start", range(3))
def test_positions_are_those_of_single_records(start: int) -> None:
    data = _batch(0, 3) + _batch(3, 1) + _batch(4, 4)
    lean, full = _records("lean", data, start), _records("full", data, start)
    assert _whole(lean, start).offsets.tolist() == [record.offset for record in full]
    assert lean.next_fetch_offset == full.next_fetch_offset == 8


def test_aborted_transactions_and_control_batches_are_left_out() -> None:
    data = _batch(0, 2, producer=7) + _batch(2, 2, producer=8) + _batch(4, 1)
    aborted = [(7, 0)]
    assert _whole(_records("lean", data, 0, aborted)).offsets.tolist() == [2, 3, 4]
    assert [record.offset for record in _records("full", data, 0, aborted)] == [2, 3, 4]


def test_the_head_of_a_batch_that_is_deleted_stays_deleted() -> None:
    """Retention moves the start of the log; the broker still sends the whole batch."""
    (chunk,) = _records("lean", _batch(0, 5), 3)
    assert list(chunk.offsets) == [3, 4]


@pytest.mark.parametrize(("start", "end"), [(0, 8), (1, 8), (0, 3), (2, 4), (4, 4), (5, 7), (8, 9)])
def test_parts_are_those_between_two_offsets(start: int, end: int) -> None:
    """A chunk may reach over either end of what is to be read."""
    found = list(_records("lean", _batch(0, 3) + _batch(3, 1) + _batch(4, 4), 0))
    chunks = chunks_of(found, start, end)
    assert [offset for chunk in chunks for offset in chunk.offsets] == list(range(start, min(end, 8)))
    for chunk in chunks:
        columns = (chunk.keys, chunk.values, chunk.timestamps, chunk.headers or ())
        assert {len(column) for column in columns} == {len(chunk)}
        assert chunk.offset == chunk.offsets[-1]


def test_headers_of_one_chunk_are_not_those_of_another() -> None:
    """Most have none: then no list is kept."""
    chunks = [Chunk([_Plain(offset, headers)]) for offset, headers in enumerate(([], [("h", b"1")], []))]
    assert [chunk.headers is None for chunk in chunks] == [True, False, True]
    assert [list(headers) for headers in _whole(chunks).headers or ()] == [[], [("h", b"1")], []]
    assert _whole(chunks[:1]).headers is None


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 4])
def test_header_names_that_are_no_text_stop_nobody(codec: int) -> None:
    """Kafka does not look at them; aiokafka's parser gives up."""
    odd = _batch(2, 3, codec=codec, name="\xe9\xff")
    with pytest.raises(UnicodeDecodeError):
        _parsed("full", odd)
    data = _batch(0, 2) + odd + _batch(5, 1)
    found = _whole(_parsed("lean", data))
    assert found.offsets.tolist() == list(range(6))
    assert [next(iter(headers))[0] for headers in found.headers or ()] == ["h", "h", *["\ufffd\ufffd"] * 3, "h"]
    assert set(found.values) == {b"value"}
    assert list(found.keys) == [None, b"key-1", None, b"key-1", b"key-2", None]
    assert found.timestamps[2:5].tolist() == [1_700_000_000_000 + place for place in range(3)]


def test_aiokafka_makes_its_parser_where_it_is_replaced() -> None:
    assert "records = MemoryRecords(part_data[-1])" in inspect.getsource(fetcher.Fetcher._proc_fetch_request)
    data = _batch(0, 2)
    kept, own = KeptRecords(data), MemoryRecords(data)
    assert (kept.size_in_bytes(), kept.has_next()) == (own.size_in_bytes(), own.has_next())
    public = {name for name in dir(own) if not name.startswith("_")}
    assert public <= set(KeptRecords.__slots__)


def test_a_corrupt_batch_is_refused() -> None:
    data = bytearray(_batch(0, 2))
    data[-3] ^= 1
    with pytest.raises(CorruptRecordException):
        _parsed("lean", bytes(data))


@dataclass
class _Plain:
    offset: int
    headers: Sequence[tuple[str, bytes]]
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = None


class _Odd(str):
    """A header name that is written in Latin-1."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return super().encode("latin-1")


def _batch(first: int, count: int, producer: int = -1, codec: int = 0, name: str = "h") -> bytes:
    """Records of one producer's batch; with a ``producer`` it is part of a transaction."""
    builder = _DefaultRecordBatchBuilderPy(2, codec, is_transactional=int(producer >= 0), producer_id=producer,
                                        producer_epoch=0, base_sequence=0, batch_size=10_000)  # fmt: skip
    for place in range(count):
        key = b"key-%d" % place if place else None
        builder.append(place, 1_700_000_000_000 + place, key, b"value", [(_Odd(name), b"1")])
    data = bytearray(builder.build())
    data[0:8] = first.to_bytes(8, "big")  # the base offset is the broker's to set; the checksum does not cover it
    return bytes(data)


def _parsed(topic: str, data: bytes) -> list[Any]:
    return list(_records(topic, data, 0))


def _records(topic: str, data: bytes, start: int, aborted: list[tuple[int, int]] | None = None) -> Any:
    spare("lean", 1 << 20)
    place = TopicPartition(topic, 0)
    return fetcher.PartitionRecords(place, KeptRecords(data), aborted, start, None, None, True, READ_COMMITTED)


def _whole(found: Iterable[Any], start: int = 0) -> RawBatch:
    return joined(chunks_of(list(found), start))
