"""One step of some customers: their stored state and their new events in, their new state and rows out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline import aggregate, cellchanges, customers, rows, sessionize
from pipeline.batch import Columns
from pipeline.dedupe import Judged, dedupe
from pipeline.forget import Confirmed, due_times, forget, leaving
from pipeline.ids import interaction_keys
from pipeline.ordering import rank_of
from pipeline.pieces import completions, from_events, marks
from pipeline.policy import DAY_MS
from pipeline.records import EXPLICIT, ONE_WAY, among, copied, extended, joined, pick
from pipeline.recover import match
from pipeline.sessionize import Facts
from pipeline.state import Working
from pipeline.view import Context, View, compare, contributions, contributions_now, journey_ids, view

Records = NDArray[Any]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Clock:
    """Where a flush stands: watermark before and after, last confirmed and last covered log offset."""

    before_ms: int
    now_ms: int
    confirmed: int
    offset: int


@dataclass(frozen=True, slots=True)
class Added:
    """A working set with the new events in it, and which of them were repeats."""

    working: Working
    fresh: Records
    judged: Judged


class Fresh(NamedTuple):
    """Events on time (dtype EVENT) and their notes."""

    events: Records
    notes: Records
    customer: NDArray[np.int32]
    """Row of the working set, per event."""
    remembered_from_ms: Index
    """Per event: the earliest time whose event ids are still known at its record."""


def add_events(working: Working, given: Fresh, context: Context) -> Added:
    """Add events, without those that repeat an event id."""
    stored, new = len(working.pieces), _judged_columns(given)
    judged = dedupe(working.pieces, new, given.remembered_from_ms)
    kept_events = np.flatnonzero(judged.keep)
    events = given.events if judged.keep.all() else pick(given.events, kept_events)
    pieces = extended(working.pieces, len(events))
    fresh = pieces[stored:]
    from_events(fresh, events, given.customer[kept_events], context.strings, context.policy)
    place = np.cumsum(judged.keep) - 1 + stored
    kept = pick(given.notes, judged.keep[given.notes["owner"]])
    kept["owner"] = place[kept["owner"]]
    done = completions(fresh)
    done["owner"] += stored
    header = copied(working.header)
    customers.seen(header, fresh)
    grown = working.with_parts(
        header=header,
        pieces=pieces,
        notes=joined((working.notes, kept, done)),
        marks=joined((working.marks, marks(fresh))),
    )
    return Added(grown, fresh, judged)


def _judged_columns(given: Fresh) -> dict[str, NDArray[Any]]:
    columns = {name: given.events[name] for name in ("event_hash", "offset", "content_hash")}
    return columns | {"customer": given.customer, "start_ms": given.events["occurred_ms"]}


@dataclass(frozen=True, slots=True)
class Step:
    """Before and after: what :func:`step` compares to find rows and changes."""

    working: Working
    fresh: Records
    before: Facts
    """The interactions that are superseded, as they were."""
    before_notes: Records
    now: View
    changed: NDArray[np.bool_]
    """Over the facts now."""


def step(stored: Working, added: Added, clock: Clock, context: Context) -> Step:
    """Sessionize, perceive and collect journeys, and find what differs from the stored state."""
    strings, policy, _ = context
    old = sessionize.regroup(stored.pieces, strings, policy)
    groups = sessionize.group(added.working.pieces, strings, policy)
    settled = clock.before_ms - policy.settling_ms
    now = view(added.working, groups, clock.now_ms, settled, context)
    change = compare(stored.pieces, stored.notes, old, clock.before_ms, now, context)
    superseded = sessionize.subset(old, change.superseded)
    before = sessionize.facts_of(stored.pieces, superseded, policy)
    before_notes = sessionize.notes_of(stored.notes, superseded, len(stored.pieces), before.beyond)
    return Step(added.working, added.fresh, before, before_notes, now, change.changed)


def cell_changes(done: Step, clock: Clock, context: Context) -> tuple[aggregate.Cells, Records] | None:
    """Changes of cells, if any: contributions that are no longer so are taken back, new ones added."""
    settled = clock.before_ms - context.policy.cell_settling_ms
    gone = np.flatnonzero(done.before.rows["start_ms"] >= settled)
    fresh = np.flatnonzero(done.changed & (done.now.rows["start_ms"] >= settled))
    now_days = _days(done.now.rows)
    days = np.concatenate((_days(done.before.rows)[gone], now_days[fresh]))
    kept = np.flatnonzero(~done.changed & _among(now_days, days))
    then = contributions(done.before, done.before_notes, gone, clock.before_ms, context)
    chosen = np.sort(np.concatenate((fresh, kept)))
    today = contributions_now(done.now, chosen, context)
    sign = np.concatenate((np.full(len(gone), -1), done.changed[chosen].astype(np.int64))).astype(np.int8)
    return cellchanges.changes(then.joined(today), sign, context.strings) if len(sign) else None


def _days(facts: Records) -> Index:
    """A number for each (customer, day) of an interaction's start."""
    return np.asarray(facts["customer"].astype(np.int64) << 32 | (facts["start_ms"] // DAY_MS))


def _among(numbers: Index, others: Index) -> NDArray[np.bool_]:
    """Which of ``numbers`` are among ``others``."""
    rank, row = rank_of(np.concatenate((others, numbers)))
    found = np.zeros(len(row), bool)
    found[rank[: len(others)]] = True
    return found[rank[len(others) :]]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows by table, and the identities (customer_id, key) of rows to retract."""

    rows: dict[str, Columns]
    gone: dict[str, list[tuple[str, str]]]


def rows_of(done: Step, clock: Clock, partition: int, context: Context) -> Rows:
    """Rows that this step changed, and those it superseded."""
    names = rows.names_of(done.working.names)
    made: dict[str, Columns] = {}
    where = (partition, clock.offset)
    fresh = np.flatnonzero(done.changed)
    touched, left = _journey_changes(done, clock, context)  # among them those of all fresh interactions
    keys = rows.named_journeys(done.now, touched, names, context)
    if len(fresh):
        made["interaction_rows"] = rows.interactions(done.now, fresh, names, keys, context, where)
    if len(touched):
        made["journey_rows"] = rows.journeys(done.now, touched, names, keys, context, where)
    made |= customer_rows(done.working, done.now, partition, clock.offset, context)
    made |= _extra_rows(done, names, clock, partition, context)
    gone = {"interaction_rows": _gone_interactions(done, names, context), "journey_rows": _named(left, names, context)}
    return Rows(made, gone)


def customer_rows(working: Working, now: View, partition: int, version: int, context: Context) -> dict[str, Columns]:
    """A row for every customer of the working set."""
    owner = now.rows["customer"][now.lasting.fact]
    total = customers.sums(working.header, now.lasting, owner, context.model)
    segment = customers.latest_segment(working.header, now.rows).code
    names = rows.names_of(working.names)
    columns = rows.customers(working.header, segment, now, total, names, context)
    return {"customer_rows": rows.versioned(columns, partition, version)} if working.names else {}


def _extra_rows(
    done: Step, names: NDArray[np.object_], clock: Clock, partition: int, context: Context
) -> dict[str, Columns]:
    exposed = np.unique(done.fresh["customer"][done.fresh["grouping"] == ONE_WAY])
    failed = np.isin(done.working.marks["customer"], np.unique(marks(done.fresh)["customer"]))
    return extra_rows(
        done.working, exposed, pick(done.working.marks, failed), names, (partition, clock.offset), context
    )


def extra_rows(
    working: Working,
    exposed: NDArray[np.int32],
    marked: Records,
    names: NDArray[np.object_],
    where: tuple[int, int],
    context: Context,
) -> dict[str, Columns]:
    """Expectations of the customers ``exposed`` and service recovery of the marks ``marked``."""
    made: dict[str, Columns] = {}
    if len(exposed):
        total = customers.expectation(working.header, working.pieces, context.model)
        chosen = customers.Expectation(total.as_of_ms[exposed], total.counts[exposed], total.exposure[exposed])
        made["expectation_rows"] = rows.versioned(rows.expectations(chosen, names[exposed]), *where)
    matches = match(marked, context.policy.failure_retention_ms)
    if len(matches):
        made["recovery_rows"] = rows.versioned(rows.recoveries(marked, matches, names, context), *where)
    return made


def _journey_changes(done: Step, clock: Clock, context: Context) -> tuple[Index, Records]:
    """Journeys to write again, and the identities of those that are gone."""
    now = done.now
    rows_now = now.journeys.rows
    mask = np.zeros(len(rows_now), bool)
    mask[now.journeys.of[done.changed]] = True
    was = rows.journey_states(rows_now, clock.before_ms, context)
    mask |= was != rows.journey_states(rows_now, clock.now_ms, context)
    old = journey_ids(done.before.rows)
    ids = rows_now[["customer", "journey", "goal", "start_ms"]].astype(old.dtype)
    ids["start_ms"][ids["journey"] != 0] = 0
    mask |= among(ids, old)
    return np.flatnonzero(mask), np.unique(old[~among(old, ids)])


def _named(ids: Records, names: NDArray[np.object_], context: Context) -> list[tuple[str, str]]:
    keys = rows.keys_of_journeys(ids, names, context)
    return list(zip(names[ids["customer"]].tolist(), keys, strict=True))


def _gone_interactions(done: Step, names: NDArray[np.object_], context: Context) -> list[tuple[str, str]]:
    old = done.before.rows
    if not len(old):
        return []
    gone = pick(old, ~among(_identity(old), _identity(pick(done.now.rows, done.changed))))
    keys = interaction_keys(names, gone, context.strings)
    return list(zip(names[gone["customer"]].tolist(), keys, strict=True))


def _identity(facts: Records) -> Records:
    ids = np.zeros(len(facts), [("customer", "i8"), ("high", "i8"), ("low", "i8"), ("start", "i8")])
    explicit = facts["grouping"] == EXPLICIT
    ids["customer"] = facts["customer"]
    ids["high"] = np.where(explicit, facts["interaction"], facts["channel"])
    ids["low"] = np.where(explicit, -1, facts["journey"])
    ids["start"] = np.where(explicit, 0, facts["start_ms"])
    return ids


def settle(done: Step, clock: Clock, context: Context) -> tuple[Working, Index]:
    """The state to store, with what is final folded away, and when the watermark must wake each customer."""
    gone = leaving(done.now, done.changed, context.policy)
    kept = forget(done.working, done.now, gone, Confirmed(clock.confirmed, clock.before_ms), context)
    deadline = due_times(kept, clock.now_ms, context)
    kept.working.header["deadline"] = deadline
    return kept.working, deadline
