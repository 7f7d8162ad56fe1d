"""One alert for one thing: a parent's alert inhibits its leaves, and a cell that only contains the fall yields to it.

Of two overlapping alerts the one yields whose rest, without what they share, is near usual: everything minus the
phone is fine, so it is the phone. If both rests fell, the wider scope speaks for the narrower ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.detect.machine import Alert
from pipeline.detect.run import Outcome
from pipeline.detect.series import Scope

HOLD: Final = 3
"""Buckets that a message of a cell waits for a related cell that is about to fire."""
_USUAL: Final = {"drop": 0.0, "surge": 1.0}
_FALSE_DISCOVERIES: Final = 0.1


@dataclass(frozen=True, slots=True)
class Affected:
    """A leaf below an alert, with its own size and the logarithm of its e-value."""

    cell: int
    size: float
    log_e: float


def speaking(outcome: Outcome, scopes: Sequence[Scope], place: Mapping[Scope, int]) -> dict[int, int]:
    """For each alert (by place in ``outcome.alerts``) the one that speaks for it: itself, if it is sent.

    ``place``: cell of every scope, also of those that are the same cell as another.
    """
    speaker: dict[int, int] = {}
    for at, alert in enumerate(outcome.alerts):
        others = [
            other
            for other, candidate in enumerate(outcome.alerts)
            if other != at and _related(alert, candidate) and _yields(alert, candidate, outcome, scopes, place)
        ]
        speaker[at] = min(others, key=lambda other: _rank(outcome.alerts[other], scopes), default=at)
    return {at: _end(at, speaker) for at in speaker}


def speaks_for(
    other: Alert, alert: Alert, outcome: Outcome, scopes: Sequence[Scope], place: Mapping[Scope, int]
) -> bool:
    """Whether ``other``, fired or about to, is what ``alert`` is about."""
    return _related(alert, other) and _yields(alert, other, outcome, scopes, place)


def _rank(alert: Alert, scopes: Sequence[Scope]) -> tuple[int, int, int]:
    return scopes[alert.cell].depth, alert.fired, alert.cell


def _end(at: int, speaker: Mapping[int, int]) -> int:
    """The last of a chain; a circle is broken where it closes."""
    seen = {at}
    while (following := speaker[at]) not in seen:
        seen.add(following)
        at = following
    return at


def _related(alert: Alert, other: Alert) -> bool:
    """The other was open when this fired, or fired while this was held."""
    ended = math.inf if other.ended is None else other.ended
    return (
        alert.detector == other.detector
        and alert.cell != other.cell
        and other.fired <= alert.fired + HOLD
        and ended >= alert.since
    )


def _yields(alert: Alert, other: Alert, outcome: Outcome, scopes: Sequence[Scope], place: Mapping[Scope, int]) -> bool:
    """Whether the other speaks for this one."""
    mine, theirs = scopes[alert.cell], scopes[other.cell]
    if alert.detector not in _USUAL:
        return theirs.covers(mine)
    shared = place.get(meet) if (meet := mine.meet(theirs)) is not None else None
    if shared is None:
        return False
    mine_is_fine = _rest_is_usual(alert, other, shared, outcome)
    theirs_is_fine = _rest_is_usual(other, alert, shared, outcome)
    if mine_is_fine != theirs_is_fine:
        return mine_is_fine
    return theirs.covers(mine) and theirs != mine


def _rest_is_usual(alert: Alert, other: Alert, shared: int, outcome: Outcome) -> bool:
    """Whether ``alert``'s cell without the shared one is far better than the other alert's."""
    first, last = max(alert.since, other.since), max(alert.fired, other.fired)
    weight = outcome.weight[alert.detector][first : last + 1, :, alert.line].sum(axis=0)
    distance = outcome.distance[alert.detector][first : last + 1, :, alert.line].sum(axis=0)
    left = weight[alert.cell] - weight[shared]
    if left <= 0.01 * weight[alert.cell]:
        return shared != alert.cell  # nothing is left of it
    usual = _USUAL[alert.detector]
    rest = (distance[alert.cell] - distance[shared]) / left
    return bool(rest - usual <= (other.size - usual) / 3)


def affected(alert: Alert, outcome: Outcome, scopes: Sequence[Scope], variance: float) -> list[Affected]:
    """Leaves inside an alerting cell that are affected themselves, worst first: e-BH at 10 % false discoveries.

    Judged ``HOLD`` buckets after it fired, as far as known. ``variance`` is
    that of one observation; a leaf's e-value is the likelihood ratio of the alert's fall to none.
    """
    inside = [c for c, scope in enumerate(scopes) if c != alert.cell and scopes[alert.cell].covers(scope)]
    leaves = [_affected(cell, alert, outcome, variance) for cell in inside]
    ranked = sorted(leaves, key=lambda leaf: (-leaf.log_e, leaf.cell))
    found = [k for k, leaf in enumerate(ranked, 1) if leaf.log_e >= math.log(len(ranked) / (_FALSE_DISCOVERIES * k))]
    return ranked[: max(found, default=0)]


def _affected(cell: int, alert: Alert, outcome: Outcome, variance: float) -> Affected:
    ended = alert.ended or alert.fired + HOLD
    part = slice(alert.since, min(ended, alert.fired + HOLD) + 1)
    weight = outcome.weight[alert.detector][part, cell, alert.line]
    distance = outcome.distance[alert.detector][part, cell, alert.line]
    total, summed = float(weight.sum()), float(distance.sum())
    if alert.detector == "surge":
        log_e = summed * math.log(alert.size) - (alert.size - 1) * total
    else:
        noise = variance + 4.0 * np.where(weight > 0, weight, 0.0)  # a bucket has noise of its own, 4 square points
        log_e = float((alert.size / noise * (distance - weight * alert.size / 2)).sum())
    return Affected(cell, summed / max(total, 1e-9), log_e)
