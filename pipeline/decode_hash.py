"""Content hashes: functions of what events say, not of interner codes, offsets, key order or wire format."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from pipeline.decode_columns import text_hashes
from pipeline.records import STRING_FIELDS
from pipeline.strings import Strings

_TEXTS: Final = ("customer", *STRING_FIELDS)
_WHOLES: Final = ("occurred_ms", "sequence", "type", "status", "severity", "visible", "resolved", "transfers")
_FLOATS: Final = ("wait_s", "promised_s", "duration_s", "amount")
_NOTE_NUMBERS: Final = ("value", "low", "high")
_WIDTH: Final = 1 + len(_TEXTS) + len(_WHOLES) + len(_FLOATS) + 1
_WORD: Final = 8


def content_hashes(events: NDArray[np.void], notes: NDArray[np.void], strings: Strings) -> NDArray[np.uint64]:
    """xxh3_64 of each event's content as 64-bit words: ids, texts by their own hash, numbers, notes as a set."""
    words = np.zeros((len(events), _WIDTH), dtype=np.uint64)
    columns = iter(range(_WIDTH))
    words[:, next(columns)] = events["event_hash"]
    for text in hashed([events[name] for name in _TEXTS], strings):
        words[:, next(columns)] = text
    for name in _WHOLES:
        words[:, next(columns)] = events[name].astype(np.int64).view(np.uint64)
    for name in _FLOATS:
        words[:, next(columns)] = np.ascontiguousarray(events[name]).view(np.uint64)
    np.add.at(words[:, next(columns)], notes["owner"], _note_hashes(notes, strings))
    return _digests(words)


def hashed(columns: list[NDArray[np.int32]], strings: Strings) -> list[NDArray[np.uint64]]:
    """Hashes of the strings behind columns of codes; each distinct string is hashed once."""
    used = np.zeros(len(strings), dtype=bool)
    for codes in columns:
        used[codes] = True
    distinct = np.flatnonzero(used)
    table = np.zeros(len(strings), dtype=np.uint64)
    table[distinct] = text_hashes(list(map(strings.text, distinct.tolist())))
    return [table[codes] for codes in columns]


def _note_hashes(notes: NDArray[np.void], strings: Strings) -> NDArray[np.uint64]:
    """One hash per note; their sum over an event does not depend on the order of entries."""
    words = np.zeros((len(notes), 3 + len(_NOTE_NUMBERS)), dtype=np.uint64)
    words[:, 0] = notes["kind"]
    words[:, 1], words[:, 2] = hashed([notes["name"], notes["text"]], strings)
    for column, name in enumerate(_NOTE_NUMBERS, start=3):
        words[:, column] = np.ascontiguousarray(notes[name]).view(np.uint64)
    return _digests(words)


def _digests(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    step = words.shape[1] * _WORD
    content = words.tobytes()
    pieces = [content[start : start + step] for start in range(0, len(content), step)]
    return np.fromiter(map(xxh3_64_intdigest, pieces), np.uint64, len(pieces))
