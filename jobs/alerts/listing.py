"""Alerts out of the warehouse's views, for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jobs.errors import WrongUseError
from jobs.notify.wording import scope_text
from jobs.warehouse import Warehouse

_TIME: Final = "formatDateTime({0}, '%Y-%m-%dT%H:%i:%SZ', 'UTC')"
_COLUMNS: Final = f"""alert_id, fingerprint, sequence, state, amended, reason, detector, kind, grain, scope, dimensions,
    size, evidence, threshold, customers, expected, observed, parent, verdict, mix_shift, real_fall, cause,
    {_TIME.format("since_at")} AS since, {_TIME.format("a.at")} AS at"""
_LIST: Final = f"""SELECT {_COLUMNS} FROM alerts AS a
WHERE since_at >= fromUnixTimestamp64Milli({{since:Int64}})
AND ({{states:String}} = '' OR has(splitByChar(',', {{states:String}}), state))
AND ({{all:UInt8}} = 1 OR (parent = '' AND isNotNull(fired_at)))
ORDER BY since_at DESC, alert_id LIMIT {{limit:UInt32}}"""  # noqa: S608 - constants
_FOUND: Final = "SELECT DISTINCT alert_id FROM alert_transitions WHERE startsWith(alert_id, {id:String}) LIMIT 2"
_ONE: Final = f"SELECT {_COLUMNS} FROM alert_transitions AS a WHERE alert_id = {{id:String}} ORDER BY sequence"  # noqa: S608
_LEAVES: Final = "SELECT alert_id FROM alerts WHERE parent = {id:String} ORDER BY size DESC, alert_id"


_CUSTOMERS: Final = f"""SELECT customer_id, alert_id, fingerprint, detector, kind, channel, segment, touchpoint, reason,
    dimensions, size, evidence, threshold, expected, observed,
    {_TIME.format("since_at")} AS since, {_TIME.format("a.at")} AS at, concat('customer=', customer_id) AS scope
FROM customer_alerts AS a WHERE since_at >= fromUnixTimestamp64Milli({{since:Int64}})
ORDER BY since_at DESC, alert_id LIMIT {{limit:UInt32}}"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts; ``since_ms`` epoch milliseconds, no ``states`` = all."""

    states: Sequence[str] = ()
    since_ms: int = 0
    everything: bool = False
    limit: int = 50


def listed(store: Warehouse, wanted: Wanted) -> list[dict[str, Any]]:
    """Alerts as they stand, the latest first."""
    return [_plain(row) for row in store.query(_LIST, _parameters(wanted)).dicts()]


def customer_alerts(store: Warehouse, wanted: Wanted) -> list[dict[str, Any]]:
    """Alerts about single customers that hold, the latest first."""
    parameters = {"since": wanted.since_ms, "limit": wanted.limit}
    return [{**row, "state": "firing"} for row in store.query(_CUSTOMERS, parameters).dicts()]


def _parameters(wanted: Wanted) -> dict[str, Any]:
    states = ",".join(wanted.states)
    return {"since": wanted.since_ms, "states": states, "all": int(wanted.everything), "limit": wanted.limit}


def shown(store: Warehouse, beginning: str) -> dict[str, Any]:
    """One alert with its transitions. Raises :class:`WrongUseError` unless exactly one id begins so."""
    found = [row[0] for row in store.query(_FOUND, {"id": beginning})]
    if len(found) != 1 or not beginning:
        many = "several alerts begin" if found else "no alert begins"
        raise WrongUseError(f"{many} with {beginning!r}", action="See `perception alerts list --all` for ids.")
    transitions = [_plain(row) for row in store.query(_ONE, {"id": found[0]}).dicts()]
    leaves = [row[0] for row in store.query(_LEAVES, {"id": found[0]})]
    return {**transitions[-1], "transitions": transitions, "speaks_for": leaves}


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    labels = json.loads(row["scope"])
    return {**row, "scope": scope_text(labels), "labels": labels, "cause": json.loads(row["cause"] or "{}")}
