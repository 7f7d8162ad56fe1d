from __future__ import annotations

import pytest

from jobs.stream.chain import Chain
from jobs.stream.chunks import Chunk, joined
from jobs.stream.errors import BrokenChainError, UnreadableStateError
from jobs.stream.fetched import Fetched
from jobs.stream.restore import apply
from pipeline.batch import Marker
from pipeline.store import MARKER_KEY, pack_marker
from tests.stream.records import record


def marker(offset: int, previous: int) -> tuple[bytes, bytes]:
    return MARKER_KEY, pack_marker(Marker(offset, previous, 0, 0))


def followed(*records: tuple[bytes, bytes | None]) -> Chain:
    chain = Chain("changelog[0]")
    for key, value in records:
        chain.record(key, value)
    chain.finish()
    return chain


def test_an_empty_log_has_no_marker() -> None:
    assert followed().last is None


def test_markers_that_follow_each_other() -> None:
    assert followed(marker(4, -1), (b"k", b"v"), marker(9, 4)).last == Marker(9, 4, 0, 0)


def test_after_compaction_the_first_marker_may_have_any_predecessor() -> None:
    assert followed((b"k", b"v"), marker(9, 4), (b"k", None), marker(12, 9)).last == Marker(12, 9, 0, 0)


@pytest.mark.parametrize("second", [marker(9, 5), marker(9, -1), marker(4, 4), marker(2, 4)])
def test_a_missing_or_foreign_marker_breaks_the_chain(second: tuple[bytes, bytes]) -> None:
    with pytest.raises(BrokenChainError, match=r"changelog\[0\]") as error:
        followed(marker(4, -1), second)
    assert "application id" in error.value.action


def test_a_log_that_does_not_end_with_a_marker_was_written_by_something_else() -> None:
    with pytest.raises(BrokenChainError, match="does not end"):
        followed(marker(4, -1), (b"k", b"v"))


@pytest.mark.parametrize("value", [None, b"", b"short", bytes(33)])
def test_an_unreadable_marker_is_said(value: bytes | None) -> None:
    with pytest.raises(UnreadableStateError):
        followed((MARKER_KEY, value))


def test_records_become_state() -> None:
    state: dict[bytes, bytes] = {}
    rows = [(b"a", b"1"), (b"b", b"2"), marker(1, -1), (b"a", None), marker(2, 1)]
    apply(state, Chain("c"), [record(number, key, value) for number, (key, value) in enumerate(rows)])
    assert state == {b"b": b"2", MARKER_KEY: marker(2, 1)[1]}


def test_a_record_without_a_key_is_unreadable() -> None:
    with pytest.raises(UnreadableStateError, match="offset 7 has no key"):
        apply({}, Chain("c"), [record(7, None, b"x")])


def test_packing_keeps_everything_in_order() -> None:
    chunk = Chunk([record(5, b"k", b"v", headers=(("h", b"1"),)), record(7, None, None)])
    batch = joined([chunk])
    assert batch.offsets.tolist() == [5, 7]
    assert batch.timestamps.tolist() == [50, 70]
    assert (batch.keys, batch.values) == ([b"k", None], [b"v", None])
    assert batch.headers == [(("h", b"1"),), ()]
    fetched = Fetched(0, 1, 5, [chunk, Chunk([record(8, b"k", b"1234")])])
    assert (fetched.following, fetched.records, fetched.bytes) == (9, 3, 5)


def test_packing_without_headers_has_none() -> None:
    assert joined([Chunk([record(5, b"k", b"v")])]).headers is None
