"""Content hashes: functions of what events say, not of interner codes, offsets, key order or wire format."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.decode_columns import NUMBERS, OTHER_TEXTS, USUAL_TEXTS, Chunk, text_hashes
from pipeline.decode_notes import Bags
from pipeline.strings import Strings

_SECOND: Final = np.uint64(0xBF58476D1CE4E5B9)
_THIRD: Final = np.uint64(0x94D049BB133111EB)
_USUAL: Final = (*USUAL_TEXTS, "occurred_ms", "type")
_OTHERS: Final = (*(name for name in OTHER_TEXTS if name != "scale"), "status")
_NUMBERS: Final = tuple(name for name in NUMBERS if name not in {"value", "scale_min", "scale_max"})
_ENTRIES: Final = ("scale", "value", "low", "high", "measure", "number", "attribute", "text")

Words = NDArray[np.uint64]


def _stirred(words: Words) -> Words:
    """The finaliser of SplitMix64: every bit reaches every bit."""
    words = (words ^ words >> np.uint64(30)) * _SECOND
    words = (words ^ words >> np.uint64(27)) * _THIRD
    return np.asarray(words ^ words >> np.uint64(31))


def _factors() -> dict[str, np.uint64]:
    """An odd factor for each kind of word: sums of words times factors are equal by chance only."""
    names = (*_USUAL, *_OTHERS, *_NUMBERS, *_ENTRIES)
    return dict(zip(names, _stirred(np.arange(1, len(names) + 1, dtype=np.uint64)) | np.uint64(1), strict=True))


_FACTOR: Final = _factors()


def content_hashes(chunk: Chunk, notes: NDArray[Any], measures: Bags, attributes: Bags, strings: Strings) -> Words:
    """A 64-bit hash of each event's content: ids, texts by their own hash, numbers, and its bags as sets.

    What is not given adds nothing, whatever other fields an event has.
    """
    texts = text_hashes(strings.take(np.arange(strings.size)).tolist())
    texts[0] = 0
    total = chunk.event_hash.copy()
    for name, codes in zip(USUAL_TEXTS, chunk.texts, strict=True):
        total += texts[codes] * _FACTOR[name]
    total += chunk.occurred_ms.view(np.uint64) * _FACTOR["occurred_ms"]
    total += chunk.type.astype(np.uint64) * _FACTOR["type"]
    total[chunk.rich] += _others(chunk, texts)
    total[notes["owner"]] += _answers(notes, texts)
    entries = texts[measures.names] * _FACTOR["measure"] + _bits(measures.values) * _FACTOR["number"]
    total += _sums(measures.sizes, _stirred(entries))
    entries = texts[attributes.names] * _FACTOR["attribute"] + texts[attributes.values] * _FACTOR["text"]
    total += _sums(attributes.sizes, _stirred(entries))
    return _stirred(total)


def _others(chunk: Chunk, texts: Words) -> Words:
    total = (chunk.status + 1).astype(np.uint64) * _FACTOR["status"]
    for name, codes in zip(OTHER_TEXTS, chunk.other_texts, strict=True):
        if name in _OTHERS:
            total += texts[codes] * _FACTOR[name]
    for name, numbers in zip(NUMBERS, chunk.numbers, strict=True):
        if name == "sequence":
            total += np.nan_to_num(numbers).astype(np.uint64) * _FACTOR[name]
        elif name in _NUMBERS:
            total += np.where(np.isnan(numbers), 0, _bits(numbers) + np.uint64(1)) * _FACTOR[name]
    return total


def _answers(notes: NDArray[Any], texts: Words) -> Words:
    total: Words = texts[notes["name"]] * _FACTOR["scale"]
    for name in ("value", "low", "high"):
        total += _bits(notes[name]) * _FACTOR[name]
    return total


def _bits(numbers: NDArray[np.float64]) -> Words:
    words: Words = np.ascontiguousarray(numbers).view(np.uint64)
    return words


def _sums(sizes: NDArray[np.int64], hashes: Words) -> Words:
    """Sum of the hashes of each row's entries: it does not depend on their order."""
    total = np.concatenate((np.zeros(1, np.uint64), np.cumsum(hashes, dtype=np.uint64)))
    ends = np.cumsum(sizes)
    return np.asarray(total[ends] - total[ends - sizes], np.uint64)
