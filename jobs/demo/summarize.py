"""From the filled warehouse to the summary: every number is an answer of the views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from jobs.demo import questions
from jobs.demo.run import Run
from jobs.demo.summary import (
    Flow,
    Goal,
    Index,
    Line,
    Phase,
    Recovery,
    Rejection,
    Score,
    Service,
    Struck,
    Summary,
    Touchpoint,
    Why,
)
from jobs.explain import Part, explain
from jobs.simulate import Incident, Scenario
from jobs.warehouse import Warehouse
from jobs.warehouse.sql import Plain
from schemas.tables import DIMENSIONS

PHASES: Final = ("7 days before", "during", "7 days after")
SHOWN_LINES: Final = 6

Row = Mapping[str, Any]


def summarize(scenario: Scenario, store: Warehouse, done: Run, *, elsewhere: bool = False) -> Summary:
    """Everything that the demonstration reports, at the end of simulated time."""
    at = _time(scenario.end_ms)
    return Summary(
        customers=scenario.customers,
        days=scenario.days,
        seed=scenario.seed,
        seconds=round(done.seconds, 2),
        events_per_second=round(done.totals.records / done.seconds, 1),
        warehouse=store.url,
        elsewhere=elsewhere,
        flow=_flow(store, done),
        perception=_index(store, done),
        goals=[Goal(**row) for row in store.query(questions.GOALS).dicts()],
        touchpoints=_touchpoints(store),
        incidents=[_struck(store, incident) for incident in scenario.plan],
        recoveries=[Recovery(**row) for row in store.query(questions.RECOVERIES).dicts()],
        service=_service(store),
        why=_why(store, at),
        rejections=[Rejection(**row) for row in store.query(questions.REJECTIONS).dicts()],
    )


def _flow(store: Warehouse, done: Run) -> Flow:
    counts = done.totals.counts
    stored = store.query(questions.FLOW).dicts()[0]
    return Flow(records=done.totals.records, duplicates=counts["duplicates"], conflicts=counts["conflicts"], **stored)


def _score(row: Row) -> Score:
    return Score(float(row["score"]), float(row["low"]), float(row["high"]))


def _score_if_sure(row: Row) -> Score | None:
    """None where there is not enough to say how sure the score is."""
    return None if any(row[name] is None for name in ("score", "low", "high")) else _score(row)


def _index(store: Warehouse, done: Run) -> Sequence[Index]:
    rows = {row["dimension"]: row for row in store.query(questions.INDEX).dicts()}
    return [
        Index(name, _score(rows[name]), 1.0 - float(rows[name]["inferred_share"]), int(rows[name]["customers"]), truth)
        for name, truth in zip(DIMENSIONS, done.truth, strict=True)
        if name in rows
    ]


def _touchpoints(store: Warehouse) -> Sequence[Touchpoint]:
    return [
        Touchpoint(row["touchpoint"], row["dimension"], int(row["n"]), _score_if_sure(row))
        for row in store.query(questions.TOUCHPOINTS).dicts()
    ]


def _struck(store: Warehouse, incident: Incident) -> Struck:
    start, end = _time(incident.start_ms), _time(incident.end_ms)
    asked: dict[str, Plain] = {"touchpoint": incident.touchpoint, "start": start, "end": end}
    waits = {row["phase"]: float(row["wait_s"]) for row in store.query(questions.WAITS, asked).dicts()}
    cells = store.query(questions.PHASES, asked).dicts()
    phases = [_phase(phase, cells, waits.get(phase, 0.0)) for phase in sorted({row["phase"] for row in cells})]
    where = incident.region or incident.segment or "everybody"
    return Struck(incident.kind, where, incident.touchpoint, start, end, phases)


def _phase(phase: int, cells: Sequence[Row], wait_s: float) -> Phase:
    by_name = {row["dimension"]: row for row in cells if row["phase"] == phase}
    contacts = int(by_name[DIMENSIONS[0]]["contacts"])
    return Phase(PHASES[phase], contacts, wait_s, [_score_if_sure(by_name[name]) for name in DIMENSIONS])


def _service(store: Warehouse) -> Service:
    care = store.query(questions.CARE).dicts()[0]
    promises = store.query(questions.PROMISES).dicts()[0]
    gap, half = float(promises.pop("gap")), float(promises.pop("half"))
    known = gap == gap and half == half  # noqa: PLR0124 - NaN where one side has no interaction
    return Service(gap=Score(gap, gap - half, gap + half) if known else None, **care, **promises)


def _why(store: Warehouse, at: datetime) -> Why | None:
    found = store.query(questions.WHO, {"at": at}).dicts()
    if not found:
        return None
    who = found[0]
    [person] = explain(store, [who["customer_id"]], at)
    explained = person.score("relationship", who["dimension"])
    lines = [Line(at=part.interaction.started_at, points=part.points, **_shown(part)) for part in explained.parts]
    return Why(
        customer_id=who["customer_id"],
        segment=who["segment"],
        dimension=who["dimension"],
        prior=explained.prior,
        mean=explained.mean,
        shown=_score(who),
        confidence=who["confidence"],
        inferred_share=who["inferred_share"],
        lines=sorted(lines[:SHOWN_LINES], key=lambda line: line.at),
        rest=sum(line.points for line in lines[SHOWN_LINES:]),
        interactions=len(lines),
    )


def _shown(part: Part) -> dict[str, str]:
    seen = part.interaction
    return {"channel": seen.channel, "touchpoint": seen.touchpoint or seen.type, "what": seen.what}


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1_000, UTC)
