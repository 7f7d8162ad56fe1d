"""Rows of the declared tables (schemas.tables) from the columns of the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.aggregate import GRAINS, SCOPES, Cells
from pipeline.batch import Columns, Texts
from pipeline.customers import Expectation, Sums
from pipeline.ids import interaction_keys, journey_keys, session_keys
from pipeline.journeys import STATES, states
from pipeline.perceive import Evidence, gather, interaction_score, segment_prior
from pipeline.records import (
    FLAG_COMPLETED,
    FLAG_FAILED_PAYMENT,
    FLAG_PROACTIVE_UNSEEN,
    NOTE_ANSWER,
    UNSETTLED,
    pick,
)
from pipeline.recover import NOT_RECOVERED
from pipeline.row_scores import per_dimension, rational, scored, sums_of
from pipeline.view import Context, View
from schemas.event import CASE_STATUSES, EVENT_TYPES
from schemas.tables import BY_NAME, LABEL

Records = NDArray[Any]
Index = NDArray[np.int64]
Names = NDArray[np.object_]

_TYPES: Final = np.array(EVENT_TYPES, dtype=object)
_GRAINS: Final = np.array([name for name, _ in GRAINS], dtype=object)
_SCOPES: Final = np.array([name for name, _ in SCOPES], dtype=object)
_STATES: Final = np.array(STATES, dtype=object)
_STATUSES: Final = np.array([*CASE_STATUSES, ""], dtype=object)
_LABELS: Final = ("segment", "touchpoint", "goal", "reason", "outcome", "team", "skill", "skill_needed")
_DETAILS: Final = ("severity", "visible", "resolved", "transfers", "wait_s", "promised_s", "duration_s", "amount")
_COMPLAINT: Final = np.uint32(1 << EVENT_TYPES.index("complaint"))
_FAILURE: Final = np.uint32(1 << EVENT_TYPES.index("failure"))


def names_of(texts: Sequence[str]) -> Names:
    """Customer ids as an object array."""
    names = np.empty(len(texts), dtype=object)
    names[:] = texts
    return names


def common(records: Records, context: Context) -> dict[str, Any]:
    """Columns that rows of events and of interactions share: labels, types, details."""
    columns: dict[str, Any] = {name: context.strings.texts(records[name]) for name in ("channel", *_LABELS)}
    columns |= {name: records[name] for name in _DETAILS}
    columns["type"] = Texts(records["type"], _TYPES)
    columns["status"] = Texts(records["status"], _STATUSES)
    columns["interaction_id"] = context.strings.take(records["interaction"])
    columns["journey_id"] = context.strings.take(records["journey"])
    columns["session_key"] = session_keys(records, context.strings)
    return columns


def _versioned(count: int, partition: int, version: int) -> dict[str, Any]:
    return {
        "source_partition": np.full(count, partition, np.int32),
        "version": np.full(count, version, np.uint64),
        "is_deleted": np.zeros(count, np.uint8),
    }


def interactions(
    now: View, chosen: Index, names: Names, journey_key: Names, context: Context, where: tuple[int, int]
) -> Columns:
    """Rows of the interactions ``chosen`` (indices of ``now.rows``); ``where`` is the partition and the version."""
    facts, model = pick(now.rows, chosen), context.model
    rank = np.full(len(now.rows), -1, np.int64)
    rank[chosen] = np.arange(len(chosen))
    of_chosen = rank[now.lasting.fact]
    observations = now.lasting.take(of_chosen >= 0)
    place = of_chosen[of_chosen >= 0]
    decayed = {
        name: gather(observations, place, len(chosen), facts["end_ms"], horizon.half_life_ms, model.moved(horizon))
        for name, horizon in (("journey", model.journey), ("relationship", model.relationship))
    }
    evidence = now.evidence.take(chosen)
    prior = segment_prior(facts["segment"], context.strings, model)
    score = interaction_score(evidence, prior, model) + now.shift[chosen]
    return {
        "customer_id": names[facts["customer"]],
        "interaction_key": interaction_keys(names, facts, context.strings),
        "journey_key": journey_key[now.journeys.of[chosen]].tolist(),
        **common(facts, context),
        "started_at": facts["start_ms"],
        "ended_at": facts["end_ms"],
        "closed": now.closed[chosen],
        "events": facts["events"],
        "complaint": (facts["types"] & _COMPLAINT) != 0,
        "failure": (facts["types"] & _FAILURE) != 0,
        "failed_payment": (facts["flags"] & FLAG_FAILED_PAYMENT) != 0,
        "completed": (facts["flags"] & FLAG_COMPLETED) != 0,
        "answers": _answers(now)[chosen],
        **sums_of("interaction", evidence, stated=True),
        **sums_of("journey", decayed["journey"], stated=False),
        **sums_of("relationship", decayed["relationship"], stated=False),
        **scored(score, evidence, model),
        **per_dimension("rational", rational(now, of_chosen, evidence, prior, model) + now.shift[chosen]),
        "unseen_service": (facts["flags"] & FLAG_PROACTIVE_UNSEEN) != 0,
        "model": Texts.constant(model.version, len(facts)),
        **_versioned(len(facts), *where),
    }


def _answers(now: View) -> Index:
    return np.bincount(now.notes["owner"][now.notes["kind"] == NOTE_ANSWER], minlength=len(now.rows))


def named_journeys(now: View, chosen: Index, names: Names, context: Context) -> Names:
    """Keys of the journeys ``chosen`` (indices of ``now.journeys.rows``), by index; shape (journeys,), "" elsewhere."""
    keys = np.full(len(now.journeys.rows), "", dtype=object)
    keys[chosen] = keys_of_journeys(pick(now.journeys.rows, chosen), names, context)
    return keys


def keys_of_journeys(ids: Records, names: Names, context: Context) -> list[str]:
    """Keys of journeys by their identity (customer, journey, goal, start_ms)."""
    start = np.where(ids["journey"] != 0, 0, ids["start_ms"])
    return journey_keys(names, ids["customer"], ids["journey"], ids["goal"], start, context.strings)


def journey_states(rows: Records, watermark_ms: int, context: Context) -> NDArray[np.uint8]:
    """State of each journey at a watermark, as a code of :data:`pipeline.journeys.STATES`."""
    return states(rows, watermark_ms, context.strings, context.policy)


def journeys(
    now: View, chosen: Index, names: Names, journey_key: Names, context: Context, where: tuple[int, int]
) -> Columns:
    """Rows of the journeys ``chosen`` (indices of ``now.journeys.rows``); ``where`` is partition and version."""
    rows, strings = pick(now.journeys.rows, chosen), context.strings
    evidence = Evidence(rows["weight"], rows["sum"], rows["stated"])
    prior = segment_prior(rows["segment"], strings, context.model)
    return {
        "customer_id": names[rows["customer"]],
        "journey_key": journey_key[chosen].tolist(),
        "journey_id": strings.take(rows["journey"]),
        "goal": strings.texts(rows["goal"]),
        "segment": strings.texts(rows["segment"]),
        "started_at": rows["start_ms"],
        "ended_at": rows["end_ms"],
        "state": Texts(states(rows, now.watermark_ms, strings, context.policy), _STATES),
        **{name: rows[name] for name in ("interactions", "events", "resolved", "transfers", "wait_s", "duration_s")},
        "answers": rows["answers"],
        **sums_of("interaction", evidence, stated=True),
        **scored(interaction_score(evidence, prior, context.model), evidence, context.model),
        "model": Texts.constant(context.model.version, len(rows)),
        **_versioned(len(rows), *where),
    }


def customers(
    header: Records, segment: NDArray[np.int32], now: View, sums: Sums, names: Names, context: Context
) -> dict[str, Any]:
    """Rows of all customers of ``header``, without version columns."""
    interactions_now = np.bincount(now.rows["customer"], minlength=len(header))
    answers_now = np.bincount(now.rows["customer"], _answers(now), len(header)).astype(np.int64)
    return {
        "customer_id": names,
        "segment": context.strings.texts(segment),
        "first_seen": header["first_ms"],
        "last_seen": header["last_ms"],
        "as_of": sums.as_of_ms,
        "events": header["events"],
        "interactions": header["interactions"] + interactions_now,
        "answers": header["answers"] + answers_now,
        **sums_of("journey", sums.journey, stated=True),
        **sums_of("relationship", sums.relationship, stated=True),
        "model": Texts.constant(context.model.version, len(header)),
    }


def expectations(total: Expectation, names: Names) -> dict[str, Any]:
    """Rows of expectations, without version columns."""
    return {
        "customer_id": names,
        "as_of": total.as_of_ms,
        **dict(zip(("ads", "recommendations", "promises"), total.counts.T, strict=True)),
        **dict(zip(("ad_exposure", "recommendation_exposure", "promise_exposure"), total.exposure.T, strict=True)),
    }


def recoveries(marks: Records, matches: Records, names: Names, context: Context) -> dict[str, Any]:
    """Rows of failures and what became of them, without version columns."""
    failures, strings = pick(marks, matches["mark"]), context.strings
    recovered = np.where(matches["recovered_ms"] == NOT_RECOVERED, UNSETTLED, matches["recovered_ms"])
    return {
        "customer_id": names[failures["customer"]],
        "failure_key": [f"{value:016x}" for value in failures["event_hash"].tolist()],
        "failed_at": failures["at_ms"],
        "recovered_at": recovered,
        "journey_id": strings.take(failures["journey"]),
        **{name: strings.texts(failures[name]) for name in ("reason", "channel", "touchpoint", "segment")},
        "severity": failures["severity"],
        "failed_again": matches["failed_again"],
    }


def cells(named: Cells, totals: Records, context: Context) -> dict[str, Any]:
    """Rows of cells, without version columns; a cell without interactions is retracted."""
    columns: dict[str, Any] = {
        "grain": Texts(named.grain, _GRAINS),
        "scope": Texts(named.scope, _SCOPES),
        "bucket_at": named.bucket_ms,
        **{label: context.strings.texts(codes) for label, codes in named.labels.items()},
        **{name: totals[name] for name in ("interactions", "customers", "answer_customers")},
    }
    for suffix in ("n", "sum", "sumsq", "answers", "answer_sum", "answer_sumsq"):
        columns |= per_dimension(suffix, totals[suffix])
    return columns


def versioned(columns: Mapping[str, Any], partition: int, version: int, deleted: Any = None) -> Columns:
    """``columns`` with source partition, version and (``deleted``, flags) retractions."""
    count = len(next(iter(columns.values())))
    return {**columns, **_versioned(count, partition, version), **({} if deleted is None else {"is_deleted": deleted})}


def retractions(table: str, identities: Sequence[tuple[str, ...]], partition: int, version: int) -> Columns:
    """Rows that retract others of the same identity (customer_id and key), every other column at its default."""
    declared = BY_NAME[table]
    columns: dict[str, Any] = {column.name: _defaults(column.type, len(identities)) for column in declared.columns}
    for place, name in enumerate(declared.identity):
        columns[name] = [identity[place] for identity in identities]
    columns |= _versioned(len(identities), partition, version)
    columns["is_deleted"] = np.ones(len(identities), np.uint8)
    return columns


def _defaults(kind: str, count: int) -> Any:
    if kind == LABEL:
        return Texts.constant("", count)
    if "String" in kind:
        return [""] * count
    if "DateTime64" in kind:
        return np.zeros(count, np.int64)
    if "Float" in kind:
        return np.full(count, np.nan) if kind.startswith("Nullable") else np.zeros(count)
    if kind.startswith("Nullable"):
        return np.full(count, -1)
    return np.zeros(count, np.uint64 if kind == "UInt64" else np.int64)
