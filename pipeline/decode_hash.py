"""Content hashes: functions of what events say, not of interner codes, offsets, key order or wire format."""

from __future__ import annotations

from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.decode_columns import text_hashes
from pipeline.decode_notes import Bags
from pipeline.records import STRING_FIELDS
from pipeline.strings import Strings

_TEXTS: Final = ("customer", *STRING_FIELDS)
_WHOLES: Final = ("occurred_ms", "sequence", "type", "status", "severity", "visible", "resolved", "transfers")
_FLOATS: Final = ("wait_s", "promised_s", "duration_s", "amount")
_NOTE_NUMBERS: Final = ("value", "low", "high")
_FIRST: Final = np.uint64(0x9E3779B97F4A7C15)
_SECOND: Final = np.uint64(0xBF58476D1CE4E5B9)
_THIRD: Final = np.uint64(0x94D049BB133111EB)
_SEEDS: Final = {"answer": np.uint64(1), "measure": np.uint64(2), "attribute": np.uint64(3)}

Words = NDArray[np.uint64]


def content_hashes(
    events: NDArray[np.void], notes: NDArray[np.void], measures: Bags, attributes: Bags, strings: Strings
) -> Words:
    """A 64-bit hash of each event's content: ids, texts by their own hash, numbers, and its bags as sets."""
    columns = [events[name] for name in _TEXTS]
    *texts, scales, measure_names, names, values = hashed(
        [*columns, notes["name"], measures.names, attributes.names, attributes.values], strings
    )
    hashes = events["event_hash"].copy()
    wholes = (events[name].astype(np.int64).view(np.uint64) for name in _WHOLES)
    for word in chain(texts, wholes, (_bits(events[name]) for name in _FLOATS)):
        _stir(hashes, word)
    answers = _seeded("answer", scales, *(_bits(notes[name]) for name in _NOTE_NUMBERS))
    _stir(hashes, _sums(np.bincount(notes["owner"], minlength=len(events)), answers))
    _stir(hashes, _sums(measures.sizes, _seeded("measure", measure_names, _bits(measures.values))))
    _stir(hashes, _sums(attributes.sizes, _seeded("attribute", names, values)))
    return hashes


def _bits(numbers: NDArray[np.float64]) -> Words:
    return np.ascontiguousarray(numbers).view(np.uint64)


def _stir(hashes: Words, word: Words) -> None:
    """Mix one more word into each hash, in place (the finaliser of SplitMix64: every bit reaches every bit)."""
    hashes += _FIRST
    hashes ^= word
    hashes ^= hashes >> np.uint64(30)
    hashes *= _SECOND
    hashes ^= hashes >> np.uint64(27)
    hashes *= _THIRD
    hashes ^= hashes >> np.uint64(31)


def _seeded(kind: str, *words: Words) -> Words:
    hashes = np.full(len(words[0]), _SEEDS[kind])
    for word in words:
        _stir(hashes, word)
    return hashes


def _sums(sizes: NDArray[np.int64], hashes: Words) -> Words:
    """Sum of the hashes of each row's entries: it does not depend on their order."""
    total = np.concatenate((np.zeros(1, np.uint64), np.cumsum(hashes, dtype=np.uint64)))
    ends = np.cumsum(sizes)
    return np.asarray(total[ends] - total[ends - sizes], np.uint64)


def hashed(columns: list[NDArray[np.int32]], strings: Strings) -> list[NDArray[np.uint64]]:
    """Hashes of the strings behind columns of codes; each distinct string is hashed once."""
    used = np.zeros(strings.size, dtype=bool)
    for codes in columns:
        used[codes] = True
    distinct = np.flatnonzero(used)
    table = np.zeros(strings.size, dtype=np.uint64)
    table[distinct] = text_hashes(strings.take(distinct).tolist())
    return [table[codes] for codes in columns]
