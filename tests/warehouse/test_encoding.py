"""Columns in the Native encoding: what is encoded is read back by the driver, value by value, for every type."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.warehouse.block import Block
from jobs.warehouse.encoding import EARLIEST_MS, LATEST_MS, encode_column, encode_strings
from jobs.warehouse.results import decode
from jobs.warehouse.varint import varint
from schemas.tables import TABLES

KINDS = sorted({column.type for table in TABLES for column in table.columns})
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
number = st.floats(allow_nan=False)
INTEGERS = {
    "UInt8": (0, 2**8),
    "UInt32": (0, 2**32),
    "UInt64": (0, 2**64),
    "Int32": (-(2**31), 2**31),
    "Int64": (-(2**63), 2**63),
}


def back(kind: str, values: Any) -> list[Any]:
    """Encode as ``kind`` and let the driver read it."""
    found = decode(Block(len(values), [("c", kind, encode_column(kind, values))]).to_bytes())
    assert list(found.types) == [kind]
    return [row[0] for row in found]


@pytest.mark.parametrize("kind", KINDS)
def test_every_declared_type_has_an_encoding(kind: str) -> None:
    assert back(kind, []) == []


@given(st.lists(text, max_size=50))
def test_texts(values: list[str]) -> None:
    assert back("String", values) == values
    assert back("LowCardinality(String)", np.array(values, dtype=object)) == values


@pytest.mark.parametrize("count", [1, 255, 256, 257, 65_536, 65_537])
def test_labels_of_any_number(count: int) -> None:
    values = [str(place) for place in range(count)] * 2
    assert back("LowCardinality(String)", values) == values


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384])
def test_texts_of_any_length(size: int) -> None:
    assert encode_strings(["a" * size, "b"]) == varint(size) + b"a" * size + b"\x01b"


@pytest.mark.parametrize("kind", INTEGERS)
@given(data=st.data())
def test_integers_in_range_come_back_and_others_are_refused(kind: str, data: st.DataObject) -> None:
    low, high = INTEGERS[kind]
    values = data.draw(st.lists(st.integers(low, high - 1), max_size=20))
    assert back(kind, values) == values
    for outside in (low - 1, high):
        with pytest.raises(OverflowError):
            encode_column(kind, [*values, outside])


def test_arrays_of_other_integer_types_are_checked_not_wrapped() -> None:
    assert back("UInt8", np.array([0, 255], dtype=np.int64)) == [0, 255]
    with pytest.raises(OverflowError):
        encode_column("UInt8", np.array([300]))
    with pytest.raises(OverflowError):
        encode_column("UInt64", np.array([-1]))
    for wrong in (np.array([1.0]), np.array(["1"]), [1.5], ["1"], [None]):
        with pytest.raises(TypeError):
            encode_column("UInt64", wrong)


@given(st.lists(number | st.just(math.nan), max_size=20))
def test_not_a_number_is_null_where_nulls_are(values: list[float]) -> None:
    wanted = [None if math.isnan(value) else value for value in values]
    assert back("Nullable(Float64)", np.array(values, dtype=float)) == wanted


@given(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=20))
def test_minus_one_is_null_where_nulls_are(values: list[int]) -> None:
    assert back("Nullable(Int32)", values) == [None if value == -1 else value for value in values]


def test_flags() -> None:
    assert back("Nullable(Bool)", np.array([-1, 0, 1], dtype=np.int8)) == [None, False, True]
    assert back("Bool", np.array([True, False])) == [True, False]
    with pytest.raises(OverflowError):
        encode_column("Bool", [2])


def test_times_keep_their_millisecond_and_their_range() -> None:
    kind = "DateTime64(3, 'UTC')"
    values = [EARLIEST_MS, LATEST_MS, -1, 1_700_000_000_123]
    assert np.frombuffer(encode_column(kind, values), np.int64).tolist() == values
    assert back(f"Nullable({kind})", np.array([-(2**63)])) == [None]
    for outside in (EARLIEST_MS - 1, LATEST_MS + 1):
        with pytest.raises(OverflowError):
            encode_column(kind, [outside])


@given(st.lists(st.dictionaries(text, number, max_size=4), max_size=10))
def test_maps(values: list[dict[str, float]]) -> None:
    assert back("Map(LowCardinality(String), Float64)", values) == values
    texts = [{key: str(value) for key, value in entry.items()} for entry in values]
    assert back("Map(LowCardinality(String), String)", texts) == texts
