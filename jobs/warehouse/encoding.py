"""Values of one column in ClickHouse's Native encoding, by declared type; ranges are checked, never wrapped.

NULL conventions (``pipeline.batch.Columns``): in a Nullable column NaN (floats), -1 (integers and flags) and
-2**63 (times) are NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from jobs.warehouse.varint import prefixed
from pipeline.batch import Maps, Texts

Encoder = Callable[[Any], bytes]

NULL_INTEGER: Final = -1
NULL_TIME: Final = int(np.iinfo(np.int64).min)
EARLIEST_MS: Final = -2_208_988_800_000
"""1900-01-01, the first moment of DateTime64."""
LATEST_MS: Final = 10_413_791_999_999
"""2299-12-31 23:59:59.999, the last moment of DateTime64."""

_KEYS_VERSION: Final = np.int64(1).tobytes()
_OWN_KEYS: Final = 0x600
"""LowCardinality flags: the block brings its own dictionary (has additional keys, needs update)."""
_INTEGERS: Final = {
    f"{sign}{bits}": np.dtype(f"{sign}{bits}".lower()) for sign in ("Int", "UInt") for bits in (8, 16, 32, 64)
}


def encode_column(kind: str, values: Any) -> bytes:
    """Native bytes of ``values`` (NumPy array or list) as ClickHouse type ``kind``.

    Raises:
        ValueError, TypeError, OverflowError, UnicodeError: a value does not fit the type.
    """
    prefix, encoder = _encoder(kind)
    return prefix + encoder(values) if len(values) else b""


@cache
def _encoder(kind: str) -> tuple[bytes, Encoder]:
    """State prefix and encoder of a type."""
    if kind.startswith("Map("):
        return _map_encoder(*_arguments(kind))
    if kind.startswith("LowCardinality("):
        return _KEYS_VERSION, _encode_labels
    if kind.startswith("Nullable("):
        return b"", _nullable_encoder(_arguments(kind)[0])
    return b"", _plain_encoder(kind)


def _plain_encoder(kind: str) -> Encoder:
    if kind == "String":
        return encode_strings
    if kind == "Float64":
        return _encode_floats
    if kind == "Bool":
        return lambda values: _within(_integers(values), 0, 1).astype(np.uint8).tobytes()
    if kind.startswith("DateTime64(3"):
        return _encode_times
    if kind in _INTEGERS:
        dtype = _INTEGERS[kind]
        return lambda values: _narrow(_integers(values), dtype).tobytes()
    raise TypeError(f"no encoder for type {kind}")


def _arguments(kind: str) -> tuple[str, ...]:
    inside = kind[kind.index("(") + 1 : -1]
    if kind.startswith("Map("):
        key, _, value = inside.rpartition(", ")
        return key, value
    return (inside,)


def _integers(values: Any) -> NDArray[Any]:
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return array
    if array.dtype.kind == "b" or not array.size:
        return array.astype(np.int64)
    if isinstance(values, Sequence) and all(isinstance(value, int) for value in values):
        return np.array(values, dtype=object)  # NumPy makes floats of lists that reach beyond 2**63
    raise TypeError(f"whole numbers expected, not {array.dtype}")


def _within(array: NDArray[Any], low: int, high: int) -> NDArray[Any]:
    if array.size and (int(array.min()) < low or int(array.max()) > high):
        raise OverflowError(f"values {array.min()} .. {array.max()} exceed the range {low} .. {high}")
    return array


def _narrow(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if array.dtype == dtype:
        return array
    limits = np.iinfo(dtype)
    return _within(array, int(limits.min), int(limits.max)).astype(dtype)


def _encode_floats(values: Any) -> bytes:
    return np.asarray(values, dtype=np.float64).tobytes()


def _encode_times(values: Any) -> bytes:
    return _within(_integers(values), EARLIEST_MS, LATEST_MS).astype(np.int64).tobytes()


def _nullable_encoder(inner: str) -> Encoder:
    encoder = _plain_encoder(inner)
    if inner == "Float64":
        return _encode_maybe_floats
    null = NULL_TIME if inner.startswith("DateTime64") else NULL_INTEGER

    def encode(values: Any) -> bytes:
        array = _integers(values)
        missing = array == null
        present = np.where(missing, np.zeros(1, array.dtype), array)
        return bytes(missing.tobytes() + encoder(present))

    return encode


def _encode_maybe_floats(values: Any) -> bytes:
    array = np.asarray(values, dtype=np.float64)
    return np.isnan(array).tobytes() + array.tobytes()


def encode_strings(values: Any) -> bytes:
    """Each string after its length; vectorised where all are short ASCII."""
    texts = _texts(values)
    joined = "".join(texts)
    sizes = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    if not joined.isascii() or (sizes.size and int(sizes.max()) > 0x7F):
        return b"".join([prefixed(text.encode()) for text in texts])
    ends = np.cumsum(sizes + 1)
    out = np.empty(len(joined) + len(texts), dtype=np.uint8)
    body = np.ones(out.size, dtype=bool)
    starts = ends - sizes - 1
    body[starts] = False
    out[starts] = sizes
    out[body] = np.frombuffer(joined.encode(), dtype=np.uint8)
    return out.tobytes()


def _texts(values: Any) -> Sequence[str]:
    texts: Sequence[str] = values.tolist() if isinstance(values, (np.ndarray, Texts)) else values
    return texts


def _encode_labels(values: Any) -> bytes:
    if not len(values):
        return b""
    keys, index = values.compact() if isinstance(values, Texts) else _indexed(_texts(values))
    width = (len(index) > 1 << 8) + (len(index) > 1 << 16)
    dtype = (np.uint8, np.uint16, np.uint32)[width]
    head = np.array([_OWN_KEYS | width, len(index)], dtype=np.int64)
    size = np.int64(len(keys))
    return b"".join((head.tobytes(), encode_strings(index), size.tobytes(), keys.astype(dtype).tobytes()))


def _indexed(texts: Sequence[str]) -> tuple[NDArray[np.int64], list[str]]:
    """Place of each text in a list of the distinct ones, and that list."""
    index = dict.fromkeys(texts, 0)
    for position, text in enumerate(index):
        index[text] = position
    return np.fromiter(map(index.__getitem__, texts), dtype=np.int64, count=len(texts)), list(index)


def _map_encoder(key: str, value: str) -> tuple[bytes, Encoder]:
    key_prefix, encode_keys = _encoder(key)
    value_prefix, encode_values = _encoder(value)

    def encode(maps: Maps | Sequence[Mapping[str, Any]]) -> bytes:
        if isinstance(maps, Maps):
            ends = np.cumsum(maps.sizes, dtype=np.uint64)
            return b"".join((ends.tobytes(), encode_keys(maps.keys), encode_values(maps.values)))
        ends = np.cumsum(np.fromiter(map(len, maps), dtype=np.uint64, count=len(maps)), dtype=np.uint64)
        filled = [entry for entry in maps if entry]
        keys = encode_keys(list(chain.from_iterable(filled)))
        values = encode_values(list(chain.from_iterable(entry.values() for entry in filled)))
        return b"".join((ends.tobytes(), keys, values))

    return key_prefix + value_prefix, encode
