"""Blocks of cells against a plain dictionary of cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.aggregate import CELL, Cells, read_keys
from pipeline.cellstore import BLOCK, CELL_KEY, CellStore
from pipeline.state import stamped
from pipeline.statechecks import StateError
from pipeline.strings import Strings

HOUR = 3_600_000
CELLS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2 * BLOCK)), min_size=1, max_size=3 * BLOCK, unique=True)


def key(bucket: int, number: int) -> bytes:
    return "\x1f".join(("hour", "channel", str(bucket * HOUR), f"channel {number}", "", "")).encode()


def cells(wanted: list[tuple[int, int]]) -> Cells:
    return read_keys([key(*one) for one in wanted], Strings())


def delta(count: int, amount: int) -> np.ndarray:
    made = np.zeros(count, CELL)
    made["interactions"] = made["customers"] = amount
    return made


@given(st.lists(CELLS, min_size=1, max_size=6))
def test_totals_and_stored_blocks_are_those_of_single_cells(flushes: list[list[tuple[int, int]]]) -> None:
    store = CellStore()
    stored: dict[bytes, bytes] = {}
    expected: dict[bytes, int] = {}
    for stamp, wanted in enumerate(flushes, 1):
        totals, _ = store.add(cells(wanted), delta(len(wanted), stamp), stamp)
        for one in wanted:
            expected[key(*one)] = expected.get(key(*one), 0) + stamp
        assert totals["interactions"].tolist() == [expected[key(*one)] for one in wanted]
        stored |= dict(store.written(stamp))
    assert all(name[:1] == CELL_KEY for name in stored)
    again = CellStore()
    buckets = [bucket for name, value in stored.items() if (bucket := again.restore(name, value))]
    assert len(buckets) == len({bucket for wanted in flushes for bucket, _ in wanted})
    for kept in (store, again):
        keys, totals = kept.above(0)
        assert dict(zip(keys, totals["interactions"].tolist(), strict=True)) == expected
    last = again.add(cells(flushes[-1]), delta(len(flushes[-1]), 1), 99)[0]
    assert last["interactions"].tolist() == [expected[key(*one)] + 1 for one in flushes[-1]]


@given(CELLS)
def test_a_block_holds_cells_of_one_bucket_and_few_records_hold_all(wanted: list[tuple[int, int]]) -> None:
    store = CellStore()
    store.add(cells(wanted), delta(len(wanted), 1), 1)
    sizes = np.bincount([bucket for bucket, _ in wanted])
    assert len(dict(store.written(1))) == int(np.ceil(sizes / BLOCK).sum())


def test_a_bucket_expires_as_a_whole_and_its_room_is_used_again() -> None:
    store = CellStore()
    _, buckets = store.add(cells([(0, number) for number in range(BLOCK + 1)]), delta(BLOCK + 1, 5), 1)
    (bucket,) = buckets
    assert store.remove(bucket, 1) is None, "changed by this flush"
    removed = store.remove(bucket, 2)
    assert removed == [bucket + b"0", bucket + b"1"]
    assert store.above(0)[0] == []
    totals, fresh = store.add(cells([(1, 0)]), delta(1, 3), 3)
    assert totals["interactions"].tolist() == [3]
    assert len(fresh) == 1


def test_only_changed_blocks_are_written_and_rewritten() -> None:
    store = CellStore()
    store.add(cells([(0, 0), (1, 0)]), delta(2, 1), 10)
    store.add(cells([(1, 0)]), delta(1, 1), 20)
    assert len(dict(store.written(20))) == 1
    assert store.above(10)[0] == [key(1, 0)]
    assert sorted(store.above(9)[0]) == [key(0, 0), key(1, 0)]


@pytest.mark.parametrize("payload", [b"", b"\x01", b"\x02\x00" + bytes(2 * CELL.itemsize) + key(0, 0), b"\xff\xff" * 9])
def test_a_damaged_block_is_refused(payload: bytes) -> None:
    with pytest.raises(StateError, match="block of cells"):
        CellStore().restore(b"chour\x1f0\x1f0", stamped(1, payload))
