"""What a configuration of detection would have reported on the history in a warehouse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from jobs.alerts.loading import distinct_customers, instant, load, where
from jobs.warehouse import Warehouse
from pipeline.detect.assemble import KINDS, Watched, thresholds
from pipeline.detect.cause import MIX, Cause, explain
from pipeline.detect.hierarchy import affected, speaking
from pipeline.detect.machine import Alert
from pipeline.detect.policy import HOURLY, SHIFTS, WATCHES, Watch
from pipeline.detect.run import SILENCE, Outcome, run
from pipeline.detect.series import Floats, Scope
from pipeline.policy import DAY_MS, HOUR_MS
from schemas.tables import DIMENSIONS

STATE: Final = {"drop": "drop", "surge": "surge of contacts", SILENCE: "no data"}
_SHOWN: Final = 5
_EXAMPLES: Final = """SELECT customer_id, avg(ifNull({score}, 100)) AS points FROM interactions
WHERE started_at >= fromUnixTimestamp64Milli({{first:Int64}}) AND started_at < fromUnixTimestamp64Milli({{end:Int64}})
{scope} GROUP BY customer_id ORDER BY points, customer_id LIMIT 5"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: epoch milliseconds, names of grains, days per tolerated false alarm of each class of cells."""

    since_ms: int
    until_ms: int
    grains: Sequence[str]
    false_alarm_days: float
    each_cell: bool = False
    """Whether to list every watched cell with its expected delays, too."""
    customers: int = HOURLY.customers
    """Least number of distinct customers behind an alert."""


@dataclass(frozen=True, slots=True)
class Run:
    """One series with what was found in it."""

    watch: Watch
    kind: str
    loaded: Watched
    thresholds: Floats
    outcome: Outcome

    def time(self, bucket: int) -> int:
        """Start of a bucket, epoch milliseconds."""
        return self.loaded.time_ms(bucket, self.watch)


def simulate(store: Warehouse, plan: Plan) -> dict[str, Any]:
    """The report: alerts that would have been sent, how often, and what each class of cells can be expected to find."""
    runs = list(_runs(store, plan))
    found = [(one, alert) for one in runs for alert in _sent(one)]
    alerts = _once_per_grain([report for one, alert in found for report in _report(store, one, alert, plan)])
    first = min((one.time(0) for one in runs), default=plan.since_ms)
    last = max((one.time(one.loaded.series.shape[0]) for one in runs), default=first)
    weeks = max(last - max(first, plan.since_ms), DAY_MS) / (7 * DAY_MS)
    return {
        "from": instant(max(first, plan.since_ms)),
        "until": instant(last),
        "false_alarm_days": plan.false_alarm_days,
        "alerts": alerts,
        "alarms_per_week": round(len(alerts) / weeks, 2),
        "customers": plan.customers,
        "most_customers": max((int(one.loaded.series.customers.max(initial=0)) for one in runs), default=0),
        "cells": [line for one in runs for line in _classes(one)],
        **({"watched": [line for one in runs for line in _each(one)]} if plan.each_cell else {}),
    }


def _runs(store: Warehouse, plan: Plan) -> Iterator[Run]:
    for watch in (replace(WATCHES[grain], customers=plan.customers) for grain in plan.grains):
        for kind in KINDS:
            loaded = load(store, watch, kind, plan.until_ms)
            if loaded is not None:
                limits = thresholds(loaded.series, watch, plan.false_alarm_days, len(plan.grains))
                people = distinct_customers(store, loaded, watch, kind)
                yield Run(watch, kind, loaded, limits, run(loaded.series, watch, limits, people))


def _sent(one: Run) -> list[Alert]:
    """Alerts that speak for themselves; surges and silence only of interactions."""
    speaker = speaking(one.outcome, one.loaded.series.scopes, one.loaded.place)
    own = [alert for at, alert in enumerate(one.outcome.alerts) if speaker[at] == at]
    return [alert for alert in own if one.kind == "scores" or alert.detector == "drop"]


def _report(store: Warehouse, one: Run, alert: Alert, plan: Plan) -> Iterator[dict[str, Any]]:
    at = one.time(alert.fired + 1)
    if at <= plan.since_ms:
        return
    scopes, width = one.loaded.series.scopes, one.watch.width_ms
    speaker = speaking(one.outcome, scopes, one.loaded.place)
    own = one.outcome.alerts.index(alert)
    yield {
        "state": STATE.get(alert.detector, alert.detector),
        "of": one.kind if alert.detector == "drop" else "contacts",
        "scope": str(scopes[alert.cell]),
        **scopes[alert.cell]._asdict(),
        "grain": one.watch.grain,
        "since": instant(one.time(alert.since)),
        "at": instant(at),
        "ended": None if alert.ended is None else instant(one.time(alert.ended) + width),
        "end_reason": alert.reason,
        "size": round(alert.size, 2),
        "customers": alert.customers if alert.detector != SILENCE else 0,
        "evidence": round(alert.evidence, 1),
        "threshold": round(float(one.thresholds[alert.fired, alert.cell]), 1),
        "worse_at": [
            {"at": instant(one.time(bucket) + width), "size": round(size, 2)} for bucket, size in alert.escalated
        ],
        "worst": _worst(one, alert),
        "speaks_for": sum(target == own for target in speaker.values()) - 1,
        **(_about_fall(store, one, alert) if alert.detector == "drop" else {}),
        "affected": _affected(one, alert),
    }


def _worst(one: Run, alert: Alert) -> dict[str, Any]:
    """The bucket with most contacts, or with the lowest mean."""
    end = one.loaded.series.shape[0] if alert.ended is None else alert.ended + 1
    part = slice(alert.since, end)
    if alert.detector != "drop":
        seen, usual = one.loaded.series.contacts[part, alert.cell], one.outcome.contacts[part, alert.cell]
        best = int(np.argmax(seen if alert.detector == "surge" else usual))
        return {"bucket": instant(one.time(alert.since + best)), "seen": seen[best], "usual": round(usual[best], 1)}
    n = one.outcome.weight["drop"][part, alert.cell, alert.line]
    fall = one.outcome.distance["drop"][part, alert.cell, alert.line] / np.maximum(n, 1)
    best = int(np.argmax(np.where(n > 0, fall * np.sqrt(n), -np.inf)))
    mean = one.loaded.series.total[alert.since + best, alert.cell, alert.line] / max(n[best], 1)
    return {
        "bucket": instant(one.time(alert.since + best)),
        "seen": round(mean, 1),
        "usual": round(mean + fall[best], 1),
        "observations": n[best],
    }


def _about_fall(store: Warehouse, one: Run, alert: Alert) -> dict[str, Any]:
    cause = explain(alert, one.loaded.series, one.outcome, one.loaded.place, one.watch.day)
    part = slice(alert.since, alert.fired + 1)
    n = one.outcome.weight["drop"][part, alert.cell].sum(axis=0)
    falls = one.outcome.distance["drop"][part, alert.cell].sum(axis=0) / np.maximum(n, 1)
    scope = one.loaded.series.scopes[alert.cell]
    return {
        "dimensions": {
            name: round(float(falls[line]), 1)
            for line, name in enumerate(DIMENSIONS)
            if line == alert.line or falls[line] >= alert.size / 3
        },
        "cause": _cause(cause),
        "example_customers": _examples(store, one, alert, scope),
    }


def _cause(cause: Cause) -> dict[str, Any]:
    given = asdict(replace(cause, parts=()))
    numbers = {name: round(value, 2) for name, value in given.items() if isinstance(value, float)}
    key = "mix" if cause.verdict == MIX else "real"
    parts = [
        {
            "scope": str(part.scope),
            "points": round(getattr(part, key), 2),
            "share_before": round(part.share_before, 3),
            "share_now": round(part.share_now, 3),
        }
        for part in cause.parts[:_SHOWN]
    ]
    return {"verdict": cause.verdict, "by": cause.label, **numbers, "parts": parts}


def _examples(store: Warehouse, one: Run, alert: Alert, scope: Scope) -> list[str]:
    condition, parameters = where(scope)
    sql = _EXAMPLES.format(score=f"{DIMENSIONS[alert.line]}_score", scope=condition)
    span = {"first": one.time(alert.since), "end": one.time(alert.fired + 1)}
    return [row[0] for row in store.query(sql, {**span, **parameters})]


def _affected(one: Run, alert: Alert) -> list[dict[str, Any]]:
    if alert.detector == SILENCE:
        return []
    scopes = one.loaded.series.scopes
    leaves = affected(alert, one.outcome, scopes, one.watch.variance)
    return [{"scope": str(scopes[leaf.cell]), "size": round(leaf.size, 2)} for leaf in leaves]


def _once_per_grain(alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of overlapping alerts about the same from several grains, the first; it names the others' grains."""
    kept: list[dict[str, Any]] = []
    for alert in sorted(alerts, key=lambda one: (one["at"], one["scope"], one["of"], one["state"], one["grain"])):
        same = (one for one in kept if all(one[key] == alert[key] for key in ("state", "of")) and _overlap(one, alert))
        twin = next((one for one in same if one["grain"] != alert["grain"] and _nested(one, alert)), None)
        if twin is None:
            kept.append(alert | {"also_by": []})
            continue
        if alert["grain"] not in twin["also_by"]:
            twin["also_by"].append(alert["grain"])
        twin["worse_at"] = _growing(twin, alert)
        if twin["ended"] is not None and (alert["ended"] is None or alert["ended"] > twin["ended"]):
            twin["ended"], twin["end_reason"] = alert["ended"], alert["end_reason"]
    return kept


def _growing(alert: dict[str, Any], twin: dict[str, Any]) -> list[dict[str, Any]]:
    """When an alert became worse, also as its twin saw it: only what at least doubles what is known by then."""
    seen = [*alert["worse_at"], *twin["worse_at"], {"at": twin["at"], "size": twin["size"]}]
    growing, size = [], alert["size"]
    for one in sorted(seen, key=lambda worse: worse["at"]):
        if one["size"] >= 2 * size:
            growing.append(one)
            size = one["size"]
    return growing


def _nested(one: dict[str, Any], other: dict[str, Any]) -> bool:
    mine, theirs = (Scope(*(alert[label] for label in Scope._fields)) for alert in (one, other))
    return mine.covers(theirs) or theirs.covers(mine)


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool((one["ended"] or "9") >= other["since"] and (other["ended"] or "9") >= one["since"])


def _each(one: Run) -> Iterator[dict[str, Any]]:
    """Every watched cell, and the hours until a fall of 4, 8 and 16 points would be found in it."""
    hours = one.outcome.delay * one.watch.width_ms / HOUR_MS
    for cell in np.flatnonzero(one.outcome.watched).tolist():
        delays = {f"hours_{shift:g}": round(float(h), 1) for shift, h in zip(SHIFTS, hours[:, cell], strict=True)}
        scope = one.loaded.series.scopes[cell]
        yield {"grain": one.watch.grain, "of": one.kind, "scope": str(scope), **scope._asdict()} | delays


def _classes(one: Run) -> Iterator[dict[str, Any]]:
    """Per class of cells: how many are watched, and the median hours until a fall would be found."""
    scopes = one.loaded.series.scopes
    names = ["_".join(name for name, label in zip(s._fields, s, strict=True) if label) or "all" for s in scopes]
    hours = one.outcome.delay * one.watch.width_ms / HOUR_MS
    for name in sorted(set(names), key=names.index):
        cells = np.array([at for at, given in enumerate(names) if given == name])
        watched = cells[one.outcome.watched[cells]]
        middle = np.median(hours[:, watched], axis=1) if len(watched) else [None] * len(SHIFTS)
        delays = {
            f"hours_{shift:g}": None if h is None else round(float(h), 1)
            for shift, h in zip(SHIFTS, middle, strict=True)
        }
        yield {
            "grain": one.watch.grain,
            "of": one.kind,
            "class": name,
            "cells": len(cells),
            "watched": len(watched),
        } | delays
