"""The pipeline of one partition: the one place that knows all stages and their order.

decode -> watermark -> dedupe -> sessionize -> perceive -> journeys -> aggregate -> rows. The state is a pure function
of the log: processing the same records in other batches gives the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import advance, customer_alerts, rows, sessionize, watch
from pipeline.advance import Clock, Fresh, Step
from pipeline.aggregate import CELL, Cells, read_keys
from pipeline.batch import Columns, Flush, Marker, RawBatch, Rejected, concatenate
from pipeline.cells import block_key, encode
from pipeline.features import noted
from pipeline.intake import Intake, event_rows, join, take_in
from pipeline.model import Model
from pipeline.policy import Policy
from pipeline.records import NEVER, ONE_WAY, joined, pick
from pipeline.state import Working, pack, unpack
from pipeline.store import ALERTS, CUSTOMER, RETRACTION, Store
from pipeline.strings import Strings
from pipeline.view import Context, view
from schemas.limits import Limits


class OutOfOrderError(ValueError):
    """Records that do not follow the state.

    Operator action: none in a log that only grows; a topic that was recreated needs a new application id.
    """


class PartitionPipeline:
    """Events of one partition in, flushes out.

    ``state`` is the partition's key-value store (what its changelog holds); it is read and updated in place.
    One flush at a time: call :meth:`process` again only when everything of the last one is durable.
    With ``cells_source`` (whose cells they are) a flush carries those it changed as messages of the stream ``cells``.
    """

    def __init__(
        self,
        topic: str,
        partition: int,
        *,
        policy: Policy,
        model: Model,
        limits: Limits,
        state: dict[bytes, bytes] | None = None,
        cells_source: str | None = None,
    ) -> None:
        self.topic = topic
        self.partition = partition
        self._policy = policy
        self._model = model
        self._limits = limits
        self._cells_source = cells_source
        self._changed: tuple[list[bytes], NDArray[Any]] = ([], np.zeros(0, CELL))
        self._told: list[tuple[bytes, bytes]] = []
        self._store = Store({} if state is None else state, policy)

    @property
    def marker(self) -> Marker:
        """Where the last flush ended."""
        return self._store.marker

    def process(self, batches: Sequence[RawBatch]) -> Flush:
        """Take in the records of ``batches``; OutOfOrderError if they do not follow the last flush."""
        last = self.marker
        batch = join(batches)
        if len(batch) and batch.offsets[0] <= last.offset:
            raise OutOfOrderError(f"offset {batch.offsets[0]} is not after {last.offset}")
        context = self._context()
        intake = take_in(batch, last.watermark_ms, context, self._limits)
        offset = max(last.offset, intake.last_offset)
        clock = Clock(last.watermark_ms, intake.watermark_ms, last.offset, offset)
        self._store.begin()
        made, counts = self._advance(intake, clock, context)
        made |= event_rows(intake, intake.on_time, context, self.topic, self.partition)
        marker = Marker(offset, last.offset, clock.now_ms, last.watermark_ms)
        self._store.expire_cells(clock.now_ms, offset)
        self._store.put_marker(marker)
        rejected = intake.decoded.rejected
        counts |= {
            "events": len(intake.on_time) - counts["duplicates"],
            "late": len(intake.late),
            "rejected": len(rejected),
            "ticks": len(intake.decoded.ticks),
        }
        return Flush(self.partition, marker, self._store.changes, made, rejected, self._messages(marker), counts)

    def _messages(self, marker: Marker) -> dict[str, list[tuple[bytes, bytes]]]:
        """What became of alerts about customers, and the cells that this flush changed, for detection."""
        alerts = {"alerts": self._told} if self._told else {}
        if self._cells_source is None:
            return alerts
        key = block_key(self._cells_source, self.partition)
        blocks = encode(*self._changed, marker.offset, marker.watermark_ms)
        return {**alerts, "cells": [(key, block) for block in blocks]}

    def _context(self) -> Context:
        return Context(Strings(), self._policy, self._model)

    def _advance(self, intake: Intake, clock: Clock, context: Context) -> tuple[dict[str, Columns], dict[str, int]]:
        stored, customer = self._load(intake, clock, context)
        events, notes = _chosen(intake, context)
        remembered = intake.at_event_ms[intake.on_time] - self._policy.lateness_ms
        added = advance.add_events(stored, Fresh(events, notes, customer, remembered), context)
        done = advance.step(stored, added, clock, context)
        made = advance.rows_of(done, clock, self.partition, context)
        made.rows.update(self._cells(done, clock, context))
        alerts = self._alerts(done, clock, context)
        if alerts.rows:
            made.rows[customer_alerts.TABLE] = customer_alerts.rows_of(alerts.rows, self.partition, clock.offset)
        made.gone[customer_alerts.TABLE] = alerts.gone
        for table, identities in made.gone.items():
            self._retract(table, identities, made.rows, clock)
        self._save(done, alerts.wake, clock, context)
        counts = {"duplicates": added.judged.duplicates, "conflicts": added.judged.conflicts}
        for table in ("interaction_rows", "journey_rows", "customer_rows", "cell_rows"):
            columns = made.rows.get(table)
            counts[table.removesuffix("_rows") + "s"] = 0 if columns is None else len(columns["version"])
        return made.rows, counts

    def _load(self, intake: Intake, clock: Clock, context: Context) -> tuple[Working, NDArray[np.int32]]:
        """The state of customers with new events and of those that the watermark wakes."""
        codes = intake.decoded.events["customer"][intake.on_time]
        present, customer = np.unique(codes, return_inverse=True)
        names: list[str] = context.strings.take(present).tolist()
        known = set(names)
        names += [name for name in self._store.due(clock.now_ms) if name not in known]
        working = unpack(names, self._store.customers(names), context.strings)
        return working, customer.astype(np.int32)

    def _cells(self, done: Step, clock: Clock, context: Context) -> dict[str, Columns]:
        found = advance.cell_changes(done, clock, context)
        if found is None or not found[0].keys:
            self._changed = ([], np.zeros(0, CELL))
            return {}
        totals = self._store.add_cells(*found, clock.offset)
        self._changed = (found[0].keys, totals)
        return {"cell_rows": self._cell_rows(found[0], totals, clock.offset, context)}

    def _cell_rows(self, cells: Cells, totals: NDArray[Any], version: int, context: Context) -> Columns:
        empty = (totals["interactions"] == 0).astype(np.uint8)
        return rows.versioned(rows.cells(cells, totals, context), self.partition, version, deleted=empty)

    def _retract(self, table: str, identities: list[tuple[str, str]], made: dict[str, Columns], clock: Clock) -> None:
        if not identities:
            return
        self._store.retract(table, identities, clock.offset)
        gone = rows.retractions(table, identities, self.partition, clock.offset)
        made[table] = concatenate([made[table], gone]) if table in made else gone

    def _alerts(self, done: Step, clock: Clock, context: Context) -> customer_alerts.Outcome:
        final_before_ms = clock.now_ms - self._policy.cell_settling_ms
        findings = watch.look(done.working, done.now, final_before_ms, context)
        names = done.working.names
        alerts = customer_alerts.compare(names, findings, self._store.alerts(names), clock.now_ms, context)
        self._store.put_alerts(alerts.state, clock.offset)
        self._told = alerts.messages
        return alerts

    def _save(self, done: Step, wake: Mapping[str, int], clock: Clock, context: Context) -> None:
        working, deadline = advance.settle(done, clock, context)
        if wake:
            also = np.array([wake.get(name, NEVER) for name in working.names], np.int64)
            deadline = working.header["deadline"] = np.minimum(deadline, also)
        if working.names:
            self._store.put_customers(working.names, pack(working, clock.offset, context.strings), deadline.tolist())

    def rewrite(self, committed: int) -> Mapping[str, Columns]:
        """Takeover: every row and retraction that a flush after ``committed`` may have left unwritten."""
        context = self._context()
        version = self.marker.offset
        names = [key[1:].decode() for key in self._store.stamped_above(CUSTOMER, committed)]
        made = self._all_rows(unpack(names, self._store.customers(names), context.strings), version, context)
        cells, totals = self._store.cells_above(committed)
        if cells:
            made["cell_rows"] = self._cell_rows(read_keys(cells, context.strings), totals, version, context)
        alerted = [key[1:].decode() for key in self._store.stamped_above(ALERTS, committed)]
        held = customer_alerts.holding(self._store.alerts(alerted))
        if held:
            made[customer_alerts.TABLE] = customer_alerts.rows_of(held, self.partition, version)
        for table, identities in self._unconfirmed_retractions(committed).items():
            gone = rows.retractions(table, identities, self.partition, version)
            made[table] = concatenate([made[table], gone]) if table in made else gone
        return made

    def _all_rows(self, working: Working, version: int, context: Context) -> dict[str, Columns]:
        """All rows that the state of some customers implies."""
        if not working.names:
            return {}
        groups = sessionize.regroup(working.pieces, context.strings, self._policy)
        now = view(working, groups, self.marker.watermark_ms, NEVER, context)
        names, where = rows.names_of(working.names), (self.partition, version)
        everything, every_journey = np.arange(len(now.rows)), np.arange(len(now.journeys.rows))
        keys = rows.named_journeys(now, every_journey, names, context)
        made: dict[str, Columns] = {}
        if len(now.rows):
            made["interaction_rows"] = rows.interactions(now, everything, names, keys, context, where)
        if len(now.journeys.rows):
            made["journey_rows"] = rows.journeys(now, every_journey, names, keys, context, where)
        made |= advance.customer_rows(working, now, *where, context)
        one_way = working.pieces["customer"][working.pieces["grouping"] == ONE_WAY]
        exposed = np.union1d(one_way, np.flatnonzero(working.header["one_way"].any(axis=1)))
        return made | advance.extra_rows(working, exposed, working.marks, names, where, context)

    def _unconfirmed_retractions(self, committed: int) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for key in self._store.stamped_above(RETRACTION, committed):
            table, customer, row = key[1:].decode().split("\x1f")
            found.setdefault(table, []).append((customer, row))
        return found

    def reread(self, batches: Sequence[RawBatch]) -> tuple[Mapping[str, Columns], Sequence[Rejected]]:
        """Takeover: rows of raw, late and rejected records of the last flush; the state stays as it is.

        ``batches`` must hold the records after ``marker.previous`` up to ``marker.offset``, from the first of them.
        """
        context = self._context()
        intake = take_in(join(batches), self.marker.previous_watermark_ms, context, self._limits)
        made = event_rows(intake, intake.on_time, context, self.topic, self.partition)
        return made, intake.decoded.rejected


def _chosen(intake: Intake, context: Context) -> tuple[NDArray[Any], NDArray[Any]]:
    """Events on time, and their notes: answers, and the measures and attributes that the model looks at."""
    decoded = intake.decoded
    notes = decoded.notes
    if context.model.predictor is not None:
        notes = joined((notes, noted(decoded, context.strings, context.model.predictor)))
    if not len(intake.late):
        return decoded.events, notes
    place = np.full(len(decoded.events), -1, np.int32)
    place[intake.on_time] = np.arange(len(intake.on_time))
    notes = pick(notes, place[notes["owner"]] >= 0)
    notes["owner"] = place[notes["owner"]]
    return pick(decoded.events, intake.on_time), notes
