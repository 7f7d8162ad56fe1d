"""A small deterministic pipeline with the interface of the real one: it counts records per key.

Rows of a flush: ``counts`` (key, count, version) for touched keys and ``raw`` (offset). State: key -> count, stamp.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.stream.protocols import State
from pipeline.batch import Flush, Marker, RawBatch, Rejected
from pipeline.store import MARKER_KEY, pack_marker, unpack_marker

VALUE = struct.Struct("<2q")
NONE = Marker(-1, -1, 0, 0)


class CountingPipeline:
    def __init__(self, topic: str, partition: int, state: State) -> None:
        self.partition = partition
        self.state = state
        self.marker = unpack_marker(state[MARKER_KEY]) if MARKER_KEY in state else NONE

    def process(self, batches: Sequence[RawBatch]) -> Flush:
        first = int(batches[0].offsets[0])
        assert first > self.marker.offset, f"{first} repeats, the state ends at {self.marker.offset}"
        counts: Counter[bytes] = Counter()
        rejected = []
        for batch in batches:
            headers = batch.headers or [()] * len(batch)
            for offset, key, value, given in zip(
                batch.offsets.tolist(), batch.keys, batch.values, headers, strict=True
            ):
                if value is None or value.startswith(b"bad"):
                    rejected.append(Rejected("bad", "it is bad", offset, 0, key, value, given))
                elif b'"tick"' not in value:
                    counts[b"k" + (key or b"")] += 1
        stamp = int(batches[-1].offsets[-1])
        changes: dict[bytes, bytes | None] = {}
        for key, added in counts.items():
            old = VALUE.unpack(self.state[key])[0] if key in self.state else 0
            changes[key] = VALUE.pack(old + added, stamp)
        self.marker = Marker(stamp, self.marker.offset, 0, 0)
        changes[MARKER_KEY] = pack_marker(self.marker)
        self.state.update({key: value for key, value in changes.items() if value is not None})
        rows = {"counts": self._rows(counts), "raw": _raw(batches)}
        return Flush(self.partition, self.marker, changes, rows, rejected)

    def rewrite(self, committed: int) -> Mapping[str, Mapping[str, Any]]:
        later = [k for k, v in self.state.items() if k != MARKER_KEY and VALUE.unpack(v)[1] > committed]
        return {"counts": self._rows(later)}

    def reread(self, batches: Sequence[RawBatch]) -> tuple[Mapping[str, Mapping[str, Any]], Sequence[Rejected]]:
        return {"raw": _raw(batches)}, []

    def _rows(self, keys: Any) -> Mapping[str, Any]:
        found = [(key, *VALUE.unpack(self.state[key])) for key in keys]
        return {
            "key": [key[1:].decode() for key, _, _ in found],
            "partition": [self.partition] * len(found),
            "count": [count for _, count, _ in found],
            "version": [stamp for _, _, stamp in found],
        }


def _raw(batches: Sequence[RawBatch]) -> Mapping[str, Any]:
    return {"offset": [o for batch in batches for o in batch.offsets.tolist()]}
