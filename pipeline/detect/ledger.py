"""What the cells topic said: per source partition its watermark, per bucket and source partition a page of totals.

It lives in a plain dictionary of bytes, whose changes are the changelog: ``w<partition>`` a source, ``p<grain>`` and
so on a page. Pages of buckets that nothing can change any more are merged over the partitions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.cells import Block
from pipeline.detect.pages import WIDTHS, Page, by_bucket, merged, unpack
from pipeline.records import joined, pick

SOURCE: Final = b"w"
PAGE: Final = b"p"
ALL: Final = -1
"""Stands for the partition of a page that holds all of them."""
_SEPARATOR: Final = b"\x1f"
_SOURCE: Final = struct.Struct("<3q")
NO_WATERMARK: Final = -(1 << 62)

Records = NDArray[Any]
Changes = MutableMapping[bytes, bytes | None]
PageId = tuple[str, int, int]
"""Grain, start of the bucket, source partition."""


@dataclass(frozen=True, slots=True)
class Source:
    """One source partition: version of its last block, its watermark, when the block was appended (log time)."""

    version: int
    watermark_ms: int
    appended_ms: int


class Waiting:
    """Totals of one partition that are not in pages yet; most cells come again and again, the last counts."""

    def __init__(self) -> None:
        self.totals: list[Records] = []
        self.size = 0
        self._rows: dict[bytes, int] = {}

    def add(self, block: Block) -> None:
        """Take a block."""
        self._rows.update(zip(block.keys, count(self.size)))
        self.totals.append(block.totals)
        self.size += len(block.keys)

    def by_bucket(self) -> dict[tuple[str, int], tuple[list[bytes], list[int]]]:
        """Grain and bucket -> names of cells, and the rows of their last totals."""
        return by_bucket(self._rows)


class Ledger:
    """Merges blocks; ``records`` is read at the start and kept up to date by :meth:`write`."""

    def __init__(self, records: dict[bytes, bytes], settling_ms: int) -> None:
        self._records = records
        self._settling_ms = settling_ms
        self.sources: dict[int, Source] = {}
        self._index: dict[tuple[str, int], set[int]] = {}
        self._open: dict[PageId, Page] = {}
        self._dirty: set[PageId] = set()
        self._moved: set[int] = set()
        self._waiting: dict[int, Waiting] = {}
        self.touched: dict[str, int] = {}
        """Grain -> start of the earliest bucket that changed since the last look."""
        for key, value in records.items():
            if key[:1] == SOURCE:
                self.sources[int(key[1:])] = Source(*_SOURCE.unpack(value))
            elif key[:1] == PAGE:
                grain, bucket, partition = _page_id(key)
                self._index.setdefault((grain, bucket), set()).add(partition)

    def take(self, partition: int, block: Block, appended_ms: int) -> None:
        """Take one block; an older one than known is a repeat and changes nothing."""
        known = self.sources.get(partition, Source(-1, NO_WATERMARK, 0))
        if block.version < known.version:
            return
        watermark_ms = block.watermark_ms if block.last else known.watermark_ms
        self.sources[partition] = Source(
            block.version, max(watermark_ms, known.watermark_ms), max(appended_ms, known.appended_ms)
        )
        self._moved.add(partition)
        self._waiting.setdefault(partition, Waiting()).add(block)

    @property
    def waiting(self) -> int:
        """Totals that were taken and not yet folded in."""
        return sum(waiting.size for waiting in self._waiting.values())

    def fold(self) -> None:
        """Put what was taken into the pages; of a cell that came often, the last total."""
        for partition, waiting in self._waiting.items():
            totals, rows = joined(waiting.totals), waiting.by_bucket()
            for (grain, bucket), (names, places) in rows.items():
                if ALL in self._index.get((grain, bucket), ()):
                    continue  # settled before: a source that counts again from the start says nothing new
                self._page(grain, bucket, partition).put(names, pick(totals, np.array(places, np.int64)))
                self._dirty.add((grain, bucket, partition))
                self.touched[grain] = min(self.touched.get(grain, bucket), bucket)
        self._waiting = {}

    def _page(self, grain: str, bucket: int, partition: int) -> Page:
        page = self._open.get((grain, bucket, partition))
        if page is None:
            value = self._records.get(_key(grain, bucket, partition))
            page = self._open[grain, bucket, partition] = Page() if value is None else unpack(value)
            self._index.setdefault((grain, bucket), set()).add(partition)
        return page

    @property
    def appended_ms(self) -> int:
        """Log time of the newest block; 0 before any."""
        return max((source.appended_ms for source in self.sources.values()), default=0)

    def watermark_ms(self, idle_ms: int) -> int:
        """Event time that every partition has passed, but for those that said nothing for ``idle_ms`` of log time."""
        awake = self.appended_ms - idle_ms
        return min((s.watermark_ms for s in self.sources.values() if s.appended_ms >= awake), default=NO_WATERMARK)

    def settled_ms(self) -> int:
        """Buckets that end up to here can no longer change: every partition has passed, idle or not."""
        return min((s.watermark_ms for s in self.sources.values()), default=NO_WATERMARK) - self._settling_ms

    def buckets(self, grain: str) -> list[int]:
        """Starts of the buckets with cells, in order."""
        return sorted(bucket for name, bucket in self._index if name == grain)

    def pages(self, grain: str, bucket: int) -> Iterator[Page]:
        """The pages of a bucket."""
        for partition in sorted(self._index[grain, bucket]):
            page = self._open.get((grain, bucket, partition))
            yield unpack(self._records[_key(grain, bucket, partition)]) if page is None else page

    def write(self, changes: Changes) -> None:
        """Write what has changed into ``records`` and ``changes``; settled buckets are merged on the way."""
        self.fold()
        self._settle(changes)
        for page_id in sorted(self._dirty):
            self._put(_key(*page_id), self._open[page_id].pack(), changes)
        for partition in sorted(self._moved):
            source = self.sources[partition]
            value = _SOURCE.pack(source.version, source.watermark_ms, source.appended_ms)
            self._put(SOURCE + str(partition).encode(), value, changes)
        # What was just written is likely to change again; the rest is read when it is needed.
        self._open = {page_id: self._open[page_id] for page_id in self._dirty}
        self._dirty, self._moved = set(), set()

    def _settle(self, changes: Changes) -> None:
        settled_ms = self.settled_ms()
        unsettled = (at for at, partitions in self._index.items() if ALL not in partitions)
        for grain, bucket in sorted(at for at in unsettled if at[1] + WIDTHS[at[0]] <= settled_ms):
            whole = merged(self.pages(grain, bucket))
            self._drop(grain, bucket, changes)
            self._index[grain, bucket] = {ALL}
            self._put(_key(grain, bucket, ALL), whole.pack(), changes)

    def forget(self, grain: str, before_ms: int, changes: Changes) -> None:
        """Drop buckets that start before ``before_ms``."""
        for bucket in self.buckets(grain):
            if bucket >= before_ms:
                return
            self._drop(grain, bucket, changes)

    def _drop(self, grain: str, bucket: int, changes: Changes) -> None:
        for partition in self._index.pop((grain, bucket)):
            self._open.pop((grain, bucket, partition), None)
            self._dirty.discard((grain, bucket, partition))
            key = _key(grain, bucket, partition)
            if self._records.pop(key, None) is not None or key in changes:
                changes[key] = None

    def _put(self, key: bytes, value: bytes, changes: Changes) -> None:
        self._records[key] = value
        changes[key] = value


def _key(grain: str, bucket: int, partition: int) -> bytes:
    return PAGE + _SEPARATOR.join((grain.encode(), str(bucket).encode(), str(partition).encode()))


def _page_id(key: bytes) -> PageId:
    grain, bucket, partition = key[1:].split(_SEPARATOR)
    return grain.decode(), int(bucket), int(partition)
