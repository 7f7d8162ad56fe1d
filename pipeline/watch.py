"""Alerts about single customers: what follows from their interactions that are not final yet (ALERTS.md, Per customer).

A function of the set of interactions as they were inside the cell window of their start, in order of their start.
What is final is folded into the header; so a look at a customer costs what is new, whatever came before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.detect import customers
from pipeline.detect.customers import Interactions, Past
from pipeline.detect.rules import Seen, discover
from pipeline.model import Model
from pipeline.ordering import order_of
from pipeline.perceive import segment_prior
from pipeline.records import NOTE_ANSWER, pick
from pipeline.state import Working
from pipeline.view import Context, View, inside_window, went_on
from schemas.tables import DIMENSIONS

Records = NDArray[Any]
Index = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
DROP: Final = "customer_drop"
RULE: Final = "rule"
_NOT_GIVEN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that somebody should hear of; ``fact`` indexes the rows of :class:`Findings`."""

    detector: str
    kind: str
    fact: int
    dimensions: tuple[str, ...]
    size: float
    evidence: float
    threshold: float
    expected: float
    observed: float


class Findings(NamedTuple):
    """What was found; ``rows`` (dtype PIECE) are all interactions of the view, inside their window."""

    rows: Records
    found: list[Finding]


def look(working: Working, now: View, final_before_ms: int, context: Context) -> Findings:
    """Judge all interactions that were not final at the last look, and fold those that are now into the header.

    ``final_before_ms``: interactions that started before it can no longer change inside their window.
    """
    header, rows = working.header, now.facts.within
    fresh = rows["start_ms"] >= header["watched_ms"][rows["customer"]]
    closed, weight, total = _inside(now, fresh, context)
    fresh_and_closed = fresh & closed
    says = (weight[:, 0] + weight[:, 1] + weight[:, 2]) > 0
    chosen = np.flatnonzero(fresh_and_closed & says)
    given = Interactions(
        rows["customer"][chosen].astype(np.int64),
        rows["start_ms"][chosen],
        weight[chosen],
        total[chosen],
        segment_prior(rows["segment"][chosen], context.strings, context.model),
    )
    found = _drops(header, given, pick(rows, chosen), final_before_ms, context.model)
    drops = [replace(one, fact=int(chosen[one.fact])) for one in found]
    header["watched_ms"] = np.maximum(header["watched_ms"], final_before_ms)
    return Findings(rows, drops + _rules(working, now, fresh, fresh_and_closed, context))


def _inside(now: View, fresh: Flags, context: Context) -> tuple[Flags, Floats, Floats]:
    """Closed, weight and sum of interactions inside their window: as they are, but where evidence went on after it."""
    at = np.flatnonzero(went_on(now) & fresh)
    if not len(at):
        return now.closed, now.evidence.weight, now.evidence.sum
    closed = now.closed.copy()
    patch = inside_window(now.facts, now.notes, at, now.watermark_ms, context)
    closed[at], evidence = patch.closed, now.evidence.patched(at, patch.evidence)
    return closed, evidence.weight, evidence.sum


def _drops(header: Records, given: Interactions, rows: Records, final_before_ms: int, model: Model) -> list[Finding]:
    """Falls among the interactions ``given`` (``rows`` has dtype PIECE); those that are final go into the header.

    In order, one after the other, only where it can matter: to raise an alert, or to fold a level that is not 0.
    """
    sums = np.ascontiguousarray(header["past"])
    past = Past(header["past_ms"], sums[:, 0], sums[:, 1], sums[:, 2])
    final = given.start_ms < final_before_ms
    ends = np.bincount(given.customer, final, len(header)) > 0
    rise = customers.rise_at_most(given, past, model)
    alarm, moving = (rise >= customers.THRESHOLD).any(axis=1), (rise > 0).any(axis=1)
    in_order, quiet = alarm | (moving & ends), ends & ~moving
    if quiet.any():
        _put(header, quiet, customers.fold(_final(given, final).of(quiet), past.take(quiet), model))
    if not in_order.any():
        return []
    at = np.flatnonzero(in_order[given.customer])
    at = at[order_of(given.customer[at], given.start_ms[at], rows["sequence"][at], rows["event_hash"][at])]
    ordered = given.take(at).of(in_order)
    levels, after = customers.watch(ordered, past.take(in_order), final[at], model)
    _put(header, in_order, after)
    return _fell(levels, ordered, at)


def _final(given: Interactions, final: Flags) -> Interactions:
    return given.take(np.flatnonzero(final))


def _put(header: Records, chosen: Flags, past: Past) -> None:
    header["past_ms"][chosen] = past.at_ms
    header["past"][chosen] = np.stack((past.weight, past.total, past.level), axis=1)


def _fell(levels: customers.Levels, given: Interactions, fact: Index) -> list[Finding]:
    found = []
    for row in np.flatnonzero(levels.rises).tolist():
        level, weight = levels.level[row], given.weight[row]
        order = [one for one in np.argsort(-level).tolist() if level[one] >= customers.THRESHOLD]
        worst = order[0]
        usual, seen = float(levels.usual[row, worst]), float(given.total[row, worst] / weight[worst])
        found.append(
            Finding(
                DROP, "scores", int(fact[row]), tuple(DIMENSIONS[one] for one in order), usual - seen,
                float(level[worst]), customers.THRESHOLD, usual, seen,
            )
        )  # fmt: skip
    return found


def _rules(working: Working, now: View, fresh: Flags, closed: Flags, context: Context) -> list[Finding]:
    notes, rows = now.notes, now.facts.within
    given = np.flatnonzero(notes["kind"] == NOTE_ANSWER)
    owner = notes["owner"][given]
    in_time = notes["at_ms"][given] <= rows["start_ms"][owner] + context.policy.cell_window_ms
    answers = pick(notes, given[fresh[owner] & in_time])
    followed_ms = context.policy.failure_retention_ms
    seen = Seen(rows, fresh, closed, answers, working.marks, followed_ms, context.strings)
    found = []
    for name, rule in discover().items():
        one = rule.find(seen)
        for fact, observed, limit in zip(one.fact.tolist(), one.observed.tolist(), one.threshold.tolist(), strict=True):
            found.append(Finding(RULE, name, fact, (), 0.0, 0.0, limit, _NOT_GIVEN, observed))
    return found
