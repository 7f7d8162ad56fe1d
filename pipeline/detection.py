"""Detection over a log of cells: blocks in, transitions of alerts out, as a pure function of the log.

The final states are a function of the set of cells: whatever the order of the blocks, the run over the same final
buckets finds the same. What is emitted is the difference to what was told before, which is part of the state.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pipeline.batch import Columns, Flush, Marker, RawBatch, Rejected
from pipeline.cells import BlockError, decode, partition_of_key
from pipeline.detect.assemble import KINDS, Gatherer, Totals, bounded_customers, series_of, thresholds, watched
from pipeline.detect.findings import Findings, findings
from pipeline.detect.ledger import NO_WATERMARK, Ledger
from pipeline.detect.pages import WIDTHS, Page
from pipeline.detect.policy import WATCHES, Detection
from pipeline.detect.run import run
from pipeline.detect.stories import stories
from pipeline.detect.telling import Memory, Told, When, forgettable, tell
from pipeline.store import MARKER_KEY, pack_marker, unpack_marker
from schemas.alert import AlertTransition, alert_columns

ALERT: Final = b"a"
UNCONFIRMED: Final = b"o"
PROGRESS: Final = b"e"
_DAY: Final = "day"
_WAITING: Final = 200_000
"""Totals that may wait while nothing is looked at."""


class Progress:
    """How far the series were looked at. Times in milliseconds."""

    def __init__(self, judged_ms: dict[str, int], final_ms: int, looked_ms: int, *, amended: bool) -> None:
        self.judged_ms = judged_ms
        """Grain -> buckets that end up to here were judged."""
        self.final_ms = final_ms
        """At the last look, buckets that end up to here could no longer change."""
        self.looked_ms = looked_ms
        """Log time of the last look."""
        self.amended = amended
        """Whether a judged bucket has changed since."""

    def pack(self) -> bytes:
        """For the state."""
        value = {"judged": self.judged_ms, "final": self.final_ms, "looked": self.looked_ms, "amended": self.amended}
        return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()

    @classmethod
    def unpack(cls, value: bytes | None) -> Progress:
        """From the state; without one, nothing was looked at."""
        if value is None:
            return cls({}, NO_WATERMARK, 0, amended=False)
        given = json.loads(value)
        return cls(given["judged"], given["final"], given["looked"], amended=given["amended"])


class DetectionPipeline:
    """Blocks of cells in, flushes with transitions out; ``state`` is read and updated in place.

    One flush at a time, as :class:`pipeline.partition.PartitionPipeline`. Blocks of other sources are passed over.
    """

    def __init__(self, source: str, partition: int, *, policy: Detection, state: dict[bytes, bytes]) -> None:
        self.partition = partition
        self._source = source
        self._policy = policy
        self._records = state
        self._ledger = Ledger(state, policy.settling_ms)
        self._gatherer = Gatherer()
        told = {key: value for key, value in state.items() if key[:1] == ALERT}
        self._memory: Memory = {key[1:].decode(): Told.unpack(value) for key, value in told.items()}
        self._progress = Progress.unpack(state.get(PROGRESS))
        self._changes: dict[bytes, bytes | None] = {}

    @property
    def marker(self) -> Marker:
        """Where the last flush ended."""
        value = self._records.get(MARKER_KEY)
        return Marker(-1, -1, NO_WATERMARK, NO_WATERMARK) if value is None else unpack_marker(value)

    def process(self, batches: Sequence[RawBatch]) -> Flush:
        """Take the blocks of ``batches``; look at the series if a bucket has become final or was amended."""
        last = self.marker
        self._begin()
        rejected = [found for batch in batches for found in self._take(batch)]
        self._ledger.fold()
        watermark_ms = max(self._ledger.watermark_ms(self._policy.idle_ms), last.watermark_ms)
        made = self._look(watermark_ms) if self._due(watermark_ms) else []
        offset = int(batches[-1].offsets[-1])
        return self._flush(Marker(offset, last.offset, watermark_ms, last.watermark_ms), made, rejected)

    def gather(self, batch: RawBatch) -> None:
        """Take blocks and look at nothing: for input that ends, see :meth:`finish`. Unreadable blocks raise."""
        for rejected in self._take(batch):
            raise BlockError(rejected.message)
        if self._ledger.waiting > _WAITING:
            self._ledger.write({})

    def finish(self) -> Flush:
        """The end of all input: nothing is waited for any more, every bucket that is over is judged."""
        last = self.marker
        self._begin()
        self._ledger.write({})
        newest = max((source.watermark_ms for source in self._ledger.sources.values()), default=NO_WATERMARK)
        made = self._look(newest) if newest > NO_WATERMARK else []
        return self._flush(Marker(last.offset + 1, last.offset, newest, last.watermark_ms), made, [])

    def rewrite(self, committed: int) -> Mapping[str, Columns]:
        """Takeover: the rows of the last flush, if they may be unwritten; the topic has its transitions already."""
        return _rows(self.unconfirmed(committed))

    def unconfirmed(self, committed: int) -> list[AlertTransition]:
        """Transitions of the last flush, if it ended after ``committed``."""
        if committed >= self.marker.offset:
            return []
        told = [value for key, value in sorted(self._records.items()) if key[:1] == UNCONFIRMED]
        return [AlertTransition.model_validate_json(value) for value in told]

    def reread(self, batches: Sequence[RawBatch]) -> tuple[Mapping[str, Columns], Sequence[Rejected]]:
        """Takeover: nothing, as no row is made of blocks as such."""
        return {}, []

    def _begin(self) -> None:
        self._changes = {}
        for key in [key for key in self._records if key[:1] == UNCONFIRMED]:
            self._remove(key)

    def _take(self, batch: RawBatch) -> Iterator[Rejected]:
        records = zip(batch.offsets.tolist(), batch.timestamps.tolist(), batch.keys, batch.values, strict=True)
        for offset, appended_ms, key, value in records:
            partition = partition_of_key(key, self._source)
            if partition is None:
                continue
            try:
                self._ledger.take(partition, decode(value or b""), appended_ms)
            except BlockError as error:
                yield Rejected("unreadable_block", str(error), offset, appended_ms, key, value)

    def _due(self, watermark_ms: int) -> bool:
        """Whether there is something to look at."""
        judged, touched = self._progress.judged_ms, self._ledger.touched
        for grain, bucket in touched.items():
            amended = bucket + WIDTHS[grain] <= judged.get(grain, NO_WATERMARK)
            self._progress.amended |= amended
        touched.clear()
        if any(self._policy.judged_ms(g, watermark_ms) > judged.get(g, NO_WATERMARK) for g in self._policy.grains):
            return watermark_ms > NO_WATERMARK
        waited = self._ledger.appended_ms - self._progress.looked_ms
        return self._progress.amended and waited >= self._policy.amend_ms

    def _look(self, watermark_ms: int) -> list[AlertTransition]:
        progress, policy = self._progress, self._policy
        days = self._totals(_DAY)
        found = [
            one for grain in policy.grains for one in self._findings(grain, policy.judged_ms(grain, watermark_ms), days)
        ]
        reach_ms = {grain: min(self._ledger.buckets(grain), default=NO_WATERMARK) for grain in policy.grains}
        before = dict(self._memory)
        made = tell(stories(found), self._memory, When(watermark_ms, progress.final_ms, reach_ms))
        for grain in policy.grains:
            progress.judged_ms[grain] = max(
                policy.judged_ms(grain, watermark_ms), progress.judged_ms.get(grain, NO_WATERMARK)
            )
        progress.looked_ms, progress.amended = self._ledger.appended_ms, False
        progress.final_ms = max(progress.final_ms, self._ledger.settled_ms())
        self._forget()
        self._save(before)
        return made

    def _findings(self, grain: str, end_ms: int, days: Totals) -> Iterator[Findings]:
        """A run over every stretch of buckets that are over, scores and answers apart."""
        watch = self._policy.watch(grain)
        totals = days if grain == _DAY else self._totals(grain)
        for first, end in totals.stretches(watch.window):
            last = min(end_ms // watch.width_ms, end + watch.window)
            for kind in KINDS:
                series = series_of(totals, kind, first, last) if last > first else None
                given = None if series is None else watched(series, watch)
                if given is not None:
                    limits = thresholds(given.series, watch, self._policy.false_alarm_days, len(self._policy.grains))
                    people = bounded_customers(given, watch, days, kind)
                    yield findings(watch, kind, given, limits, run(given.series, watch, limits, people))

    def _totals(self, grain: str) -> Totals:
        return self._gatherer.gather(self._pages(grain))

    def _pages(self, grain: str) -> Iterator[tuple[int, Page]]:
        for bucket in self._ledger.buckets(grain):
            for page in self._ledger.pages(grain, bucket):
                yield bucket // WIDTHS[grain], page

    def _forget(self) -> None:
        """Drop buckets that are too old, in steps: the series begins anew four times a window, not with every look."""
        judged = self._progress.judged_ms
        for grain, watch in WATCHES.items():
            step_ms = watch.window // 4 * watch.width_ms
            kept_ms = judged.get(grain, min(judged.values())) - self._policy.kept(grain) * watch.width_ms
            before_ms = min(kept_ms, self._ledger.settled_ms()) // step_ms * step_ms
            self._ledger.forget(grain, before_ms, self._changes)
        oldest = min((min(self._ledger.buckets(grain), default=0) for grain in self._policy.grains), default=0)
        for alert_id in forgettable(self._memory, oldest):
            del self._memory[alert_id]

    def _save(self, before: Mapping[str, Told]) -> None:
        """The difference between what was told before and now, into the state."""
        for alert_id in before.keys() - self._memory.keys():
            self._remove(ALERT + alert_id.encode())
        for alert_id, told in self._memory.items():
            if before.get(alert_id) is not told:
                self._put(ALERT + alert_id.encode(), told.pack())

    def _flush(self, marker: Marker, made: list[AlertTransition], rejected: list[Rejected]) -> Flush:
        self._ledger.write(self._changes)
        for one in made:
            self._put(UNCONFIRMED + f"{one.alert_id}{one.sequence:08d}".encode(), one.value())
        if (progress := self._progress.pack()) != self._records.get(PROGRESS):
            self._put(PROGRESS, progress)
        self._put(MARKER_KEY, pack_marker(marker))
        messages = {"alerts": [(one.key(), one.value()) for one in made]} if made else {}
        counts = {"transitions": len(made), "rejected": len(rejected)}
        return Flush(self.partition, marker, self._changes, _rows(made), rejected, messages, counts)

    def _put(self, key: bytes, value: bytes) -> None:
        self._records[key] = self._changes[key] = value

    def _remove(self, key: bytes) -> None:
        if self._records.pop(key, None) is not None:
            self._changes[key] = None


def _rows(made: Sequence[AlertTransition]) -> dict[str, Columns]:
    return {"alert_rows": alert_columns(made)} if made else {}
