"""Compressed batches: whatever they hold, memory is bounded, and a batch that holds too much is one rejected record."""

from __future__ import annotations

import gzip
import inspect
import zlib

import cramjam
import pytest
from aiokafka import TopicPartition, codec
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from jobs.stream.bounded import ExpandsError, decoders
from jobs.stream.chunks import chunks_of, joined
from jobs.stream.lean import REFUSED, KeptRecords, spare
from pipeline.batch import RawBatch
from tests.decode.support import decoded

LIMIT = 1 << 20
KINDS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
ENCODERS = {
    "gzip": codec.gzip_encode,
    "snappy": codec.snappy_encode,
    "lz4": codec.lz4_encode,
    "zstd": codec.zstd_encode,
    "snappy_raw": lambda data: bytes(cramjam.snappy.compress_raw(data)),
}
every_kind = pytest.mark.parametrize("kind", ENCODERS)


def decode(kind: str, payload: bytes, limit: int = LIMIT) -> bytes:
    return decoders(limit)[f"{kind.removesuffix('_raw')}_decode"](payload)


@every_kind
@pytest.mark.parametrize("size", [1, 1_000, LIMIT - 1, LIMIT])
def test_what_fits_is_the_same_as_before(kind: str, size: int) -> None:
    data = (b"0123456789" * (size // 10 + 1))[:size]
    assert decode(kind, ENCODERS[kind](data)) == data


@every_kind
@pytest.mark.parametrize("size", [LIMIT + 1, 64 * LIMIT])
def test_what_does_not_fit_is_refused(kind: str, size: int) -> None:
    packed = ENCODERS[kind](bytes(size))
    with pytest.raises(ExpandsError, match=f"holds more than {LIMIT:,}") as caught:
        decode(kind, packed)
    assert caught.value.payload == packed


def test_members_of_gzip_are_added_up() -> None:
    assert decode("gzip", gzip.compress(b"a" * 10) + gzip.compress(b"b")) == b"a" * 10 + b"b"
    with pytest.raises(ExpandsError):
        decode("gzip", gzip.compress(bytes(LIMIT // 2)) * 3)


def test_a_snappy_block_that_lies_about_its_size_takes_no_memory() -> None:
    with pytest.raises(ExpandsError):
        decode("snappy", b"\xff\xff\xff\xff\x0f" + b"\x00" * 20)


@pytest.mark.parametrize("kind", ["gzip", "lz4", "zstd", "snappy"])
def test_what_is_broken_stays_broken(kind: str) -> None:
    broken = ENCODERS[kind](b"0123456789" * 1_000)[:-9]
    with pytest.raises((EOFError, zlib.error, cramjam.DecompressionError)) as caught:
        decode(kind, broken)
    assert not isinstance(caught.value, ExpandsError)


def unpacked(topic: str, *batches: bytes) -> RawBatch:
    """Records as the consumer's fetcher parses them."""
    assert "partition_records = PartitionRecords(" in inspect.getsource(fetcher.Fetcher._proc_fetch_request)
    records = KeptRecords(b"".join(batches))
    found = fetcher.PartitionRecords(TopicPartition(topic, 0), records, [], 0, None, None, True, 1)
    return joined(chunks_of(list(found), 0))


def built(kind: int, first: int, values: list[bytes]) -> bytes:
    """One batch on the wire."""
    builder = DefaultRecordBatchBuilder(
        2, kind, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=0, batch_size=1 << 30
    )
    for number, value in enumerate(values):
        builder.append(number, 1_700_000_000_000, b"key", value, [])
    made = bytearray(builder.build())
    made[:8] = first.to_bytes(8)
    return bytes(made)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_among_good_batches_is_one_rejected_record(kind: str) -> None:
    spare("bombed", LIMIT)
    good = [built(KINDS[kind], first, [b"{}"] * 3) for first in (0, 5)]
    bomb = built(KINDS[kind], 3, [bytes(LIMIT), bytes(LIMIT)])
    batch = unpacked("bombed", good[0], bomb, good[1])
    assert batch.offsets.tolist() == [0, 1, 2, 4, 5, 6, 7]
    stands = list(batch.values)[3]
    assert stands is not None
    assert len(stands) < LIMIT // 8, "as it came"
    ((name, why),) = (batch.headers or [()] * 7)[3]
    assert name == REFUSED
    assert f"offsets 3 to 4: a {kind} batch" in why.decode()
    assert len(decoded(stands).rejected) == 1


def test_batches_that_fit_are_what_they_were() -> None:
    spare("fitting", LIMIT)
    for kind in KINDS.values():
        assert list(unpacked("fitting", built(kind, 0, [b"a", b"b"])).values) == [b"a", b"b"]
