"""Orders by packed columns are those of NumPy's lexsort, whatever the columns hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.ordering import begins, order_of, present, rank_of
from tests.support.laws import tries

INT64 = np.iinfo(np.int64)
KINDS: tuple[tuple[Any, tuple[int, ...]], ...] = (
    (np.int32, (-1, 0, 1, 7)),
    (np.int8, (-128, 0, 127)),
    (np.bool_, (0, 1)),
    (np.int64, (INT64.min, -1, 0, 1 << 40, INT64.max)),
    (np.uint64, (0, 1, 1 << 63, (1 << 64) - 1)),
)


@st.composite
def tables(draw: st.DrawFn) -> list[NDArray[Any]]:
    """Columns of equal length, with many equal values."""
    count = draw(st.integers(0, 30))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5))
    return [
        np.array(draw(st.lists(st.sampled_from(values), min_size=count, max_size=count)), kind)
        for kind, values in kinds
    ]


@given(columns=tables())
@settings(max_examples=tries(300), deadline=None)
def test_orders_are_those_of_lexsort(columns: list[NDArray[Any]]) -> None:
    assert order_of(*columns).tolist() == np.lexsort(columns[::-1]).tolist()


@given(columns=tables())
@settings(max_examples=tries(100), deadline=None)
def test_ranks_count_distinct_rows_in_order(columns: list[NDArray[Any]]) -> None:
    rank, row = rank_of(*columns)
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    distinct = sorted(set(rows))
    assert [distinct[place] for place in rank.tolist()] == rows
    assert [rows[place] for place in row.tolist()] == distinct


def test_full_width_keys_order_by_what_follows() -> None:
    first = np.array([1 << 63, 5, 1 << 63, 5], np.uint64)
    assert order_of(first, np.array([2, 2, 1, 1])).tolist() == [3, 1, 2, 0]


def test_nothing_begins_in_an_empty_table() -> None:
    assert begins(np.zeros(0, np.int64)).tolist() == []
    assert present(np.zeros(0, np.int32)).tolist() == []


def test_present_values_are_ascending() -> None:
    assert present(np.array([4, 0, 4, 2], np.int32)).tolist() == [0, 2, 4]
