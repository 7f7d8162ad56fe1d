"""Changelog and restore on a real broker: atomic, fenced, complete, and never more than what was committed."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping

import pytest
from aiokafka.errors import ProducerFenced

from jobs.settings import KafkaSettings
from jobs.stream.changelog import Changelog
from jobs.stream.connection import Connection
from jobs.stream.errors import BrokenChainError, ChangelogError, FencedError, UnreadableStateError
from jobs.stream.fragments import Fragments
from jobs.stream.logreader import LogReader
from jobs.stream.rejected import LARGEST_BYTES, Letter
from jobs.stream.restore import restore
from pipeline.batch import Marker
from pipeline.store import MARKER_KEY, pack_marker
from tests.stream.support import Bench

Changes = dict[bytes, bytes | None]


class Log:
    """The changelog of partition 1 of a test's own application."""

    def __init__(self, bench: Bench) -> None:
        bench.create_topics(bench.changelog)
        self.bench = bench
        self.connection = Connection(
            KafkaSettings(bootstrap_servers=bench.bootstrap, application_id=bench.name, request_timeout_s=20)
        )

    def writer(self) -> Changelog:
        return Changelog(
            self.connection, f"{self.bench.name}-1", topic=self.bench.changelog, partition=1,
            rejected_topic=self.bench.rejected,
        )  # fmt: skip

    async def restored(self) -> tuple[Mapping[bytes, bytes], Marker | None]:
        state, marker, _ = await restore(self.connection, self.bench.changelog, 1)
        return state, marker


@pytest.fixture
def log(bench: Bench) -> Log:
    return Log(bench)


def changes(offset: int, previous: int, **values: bytes | None) -> Changes:
    found: Changes = {key.encode(): value for key, value in values.items()}
    return {MARKER_KEY: pack_marker(Marker(offset, previous, 0, 0)), **found}


def test_an_empty_changelog_is_an_empty_state(log: Log) -> None:
    assert asyncio.run(log.restored()) == ({}, None)


def test_flushes_come_back_with_their_last_marker(log: Log) -> None:
    async def scenario() -> None:
        writer = log.writer()
        await writer.start()
        await writer.write(changes(4, -1, a=b"1", b=b"2"))
        await writer.write(changes(9, 4, a=None, c=b"3"))
        await writer.stop()
        state, marker = await log.restored()
        assert marker == Marker(9, 4, 0, 0)
        assert {key: value for key, value in state.items() if key != MARKER_KEY} == {b"b": b"2", b"c": b"3"}

    asyncio.run(scenario())


def test_the_marker_is_the_last_record_of_its_flush(log: Log) -> None:
    async def scenario() -> None:
        writer = log.writer()
        await writer.start()
        await writer.write(changes(4, -1, a=b"1", b=b"2"))
        await writer.stop()

    asyncio.run(scenario())
    assert [record.key for record in log.bench.read(log.bench.changelog)] == [b"a", b"b", MARKER_KEY]


def test_a_flush_of_any_size_is_one_transaction(log: Log) -> None:
    count = 60_000

    async def scenario() -> None:
        writer = log.writer()
        await writer.start()
        large: Changes = {b"k%d" % number: b"v" * 100 + b"%d" % number for number in range(count)}
        large[MARKER_KEY] = pack_marker(Marker(4, -1, 0, 0))
        begun = time.perf_counter()
        await writer.write(large)
        written = time.perf_counter()
        state, _ = await log.restored()
        restored = time.perf_counter()
        await writer.stop()
        assert state == large
        print(
            f"write {(written - begun) / count * 1e6:.1f} µs, restore {(restored - written) / count * 1e6:.1f} µs each"
        )

    asyncio.run(scenario())


def test_a_value_of_any_size_comes_back_and_leaves_nothing_when_it_shrinks(log: Log) -> None:
    large = random.Random(1).randbytes(17 << 20)

    async def scenario() -> None:
        writer, fragments = log.writer(), Fragments()
        await writer.start()
        await writer.write(fragments.split(changes(4, -1, ka=b"small", kb=b"2")))
        await writer.write(fragments.split(changes(6, 4, ka=large)))
        whole, _, found = await restore(log.connection, log.bench.changelog, 1)
        assert whole == {b"ka": large, b"kb": b"2", **changes(6, 4)}
        await writer.write(found.split(changes(9, 6, ka=large[: 1 << 20])))
        await writer.write(found.split(changes(12, 9, ka=b"small")))
        await writer.stop()
        assert await log.restored() == ({b"ka": b"small", b"kb": b"2", **changes(12, 9)}, Marker(12, 9, 0, 0))

    asyncio.run(scenario())
    left: dict[bytes, bytes | None] = {}
    for record in log.bench.read(log.bench.changelog):
        left[record.key] = record.value
    assert {key for key, value in left.items() if value is not None} == {b"ka", b"kb", MARKER_KEY}


def test_a_torn_transaction_is_invisible_and_its_writer_fenced(log: Log) -> None:
    async def scenario() -> None:
        torn, heir = log.writer(), log.writer()
        await torn.start()
        await torn.write(changes(4, -1, a=b"1"))
        producer = torn._producer
        await producer.begin_transaction()
        sent = await torn._send(log.bench.changelog, 1, [(None, b"a", b"torn", [])])
        await asyncio.gather(*sent)
        await heir.start()
        assert await log.restored() == ({b"a": b"1", **changes(4, -1)}, Marker(4, -1, 0, 0))
        with pytest.raises(ProducerFenced):
            await producer.commit_transaction()
        await heir.write(changes(7, 4, b=b"heir"))
        state, marker = await log.restored()
        assert (state[b"a"], state[b"b"], marker) == (b"1", b"heir", Marker(7, 4, 0, 0))
        await torn.stop()
        await heir.stop()

    asyncio.run(scenario())


def test_a_zombie_between_flushes_is_fenced(log: Log) -> None:
    async def scenario() -> None:
        zombie, heir = log.writer(), log.writer()
        await zombie.start()
        await heir.start()
        with pytest.raises(FencedError, match=r"taken .* over") as error:
            await zombie.write(changes(4, -1, a=b"zombie"))
        assert "Nothing is lost" in error.value.action
        await zombie.stop()
        await heir.stop()
        assert await log.restored() == ({}, None)

    asyncio.run(scenario())


def test_the_end_is_found_by_position_behind_an_aborted_transaction(log: Log) -> None:
    async def scenario() -> None:
        writer = log.writer()
        await writer.start()
        await writer.write(changes(4, -1, a=b"1"))
        await writer._producer.begin_transaction()
        await asyncio.gather(*await writer._send(log.bench.changelog, 1, [(None, b"a", b"no", [])] * 50))
        await writer._producer.abort_transaction()
        await writer.stop()
        async with LogReader(log.connection, log.bench.changelog, 1) as reader:
            first, end = await reader.bounds()
            found = [record.offset async for records in reader.read(first, end) for record in records]
        assert found == [0, 1]
        assert end == 54, "records, the commit, the aborted records and the abort"
        assert (await log.restored())[1] == Marker(4, -1, 0, 0)

    asyncio.run(scenario())


def test_a_range_is_read_exactly(log: Log) -> None:
    async def scenario() -> None:
        writer = log.writer()
        await writer.start()
        await writer.write({b"k%d" % number: b"v" for number in range(20)} | changes(4, -1))
        await writer.stop()
        async with LogReader(log.connection, log.bench.changelog, 1) as reader:
            assert [r.offset async for records in reader.read(5, 9) for r in records] == [5, 6, 7, 8]
            assert [r.offset async for records in reader.read(9, 9) for r in records] == []

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("second", "error"),
    [
        (changes(9, 6, a=b"2"), BrokenChainError),
        ({MARKER_KEY: b"what is this"}, UnreadableStateError),
    ],
)
def test_a_broken_changelog_is_not_restored(log: Log, second: Changes, error: type[Exception]) -> None:
    async def scenario() -> None:
        writer = log.writer()
        await writer.start()
        await writer.write(changes(4, -1, a=b"1"))
        await writer.write(second)
        await writer.stop()
        with pytest.raises(error):
            await log.restored()

    asyncio.run(scenario())


def test_rejected_records_are_part_of_the_transaction(log: Log) -> None:
    async def scenario() -> None:
        writer = log.writer()
        await writer.start()
        letters = [
            Letter(1_000, b"k", b"original", [("reason", b"not_json")]),
            Letter(1_000, None, None, [("reason", b"null_value")]),
            Letter(1_000, b"k", b"y" * LARGEST_BYTES, [("reason", b"too_large")]),
        ]
        await writer.write(changes(4, -1), letters)
        await writer.stop()

    asyncio.run(scenario())
    found = log.bench.read(log.bench.rejected)
    assert [(len(record.value or b""), record.key, record.headers[0][1]) for record in found] == [
        (8, b"k", b"not_json"),
        (0, None, b"null_value"),
        (LARGEST_BYTES, b"k", b"too_large"),
    ]
    assert {record.partition for record in found} == {1}


def test_a_record_that_the_broker_refuses_is_an_error_and_writes_nothing(log: Log) -> None:
    async def scenario() -> None:
        import os

        writer = log.writer()
        await writer.start()
        with pytest.raises(ChangelogError, match=r"larger than the broker accepts"):
            await writer.write(changes(4, -1, a=b"1", b=os.urandom(3_000_000)))
        await writer.stop()
        assert await log.restored() == ({}, None)

    asyncio.run(scenario())
