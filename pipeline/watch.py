"""Alerts about single customers: what follows from their interactions that are not final yet (ALERTS.md, Per customer).

A function of the set of interactions as they were inside the cell window of their start, in order of their start.
What is final is folded into the header; so a look at a customer costs what is new, whatever came before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.detect import customers
from pipeline.detect.customers import Interactions, Past
from pipeline.detect.rules import Seen, discover
from pipeline.perceive import segment_prior
from pipeline.records import FLAG_CANCELLED, NOTE_ANSWER, pick
from pipeline.state import Working
from pipeline.view import Context, View, inside_window
from schemas.tables import DIMENSIONS

Records = NDArray[Any]
Index = NDArray[np.int64]
Floats = NDArray[np.float64]
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
    """What was found; ``rows`` (dtype PIECE) are the interactions looked at."""

    rows: Records
    found: list[Finding]


def look(working: Working, now: View, final_before_ms: int, context: Context) -> Findings:
    """Judge all interactions that were not final at the last look, and fold those that are now into the header.

    ``final_before_ms``: interactions that started before it can no longer change inside their window.
    """
    header = working.header
    fresh = np.flatnonzero(now.rows["start_ms"] >= header["watched_ms"][now.rows["customer"]])
    rows, closed, weight, total = _inside(now, fresh, context)
    found = _drops(header, rows, closed, (weight, total), final_before_ms, context)
    found += _rules(working, now, fresh, rows, closed, context)
    header["watched_ms"] = np.maximum(header["watched_ms"], final_before_ms)
    return Findings(rows, found)


def _inside(now: View, fresh: Index, context: Context) -> tuple[Records, NDArray[np.bool_], Floats, Floats]:
    """The interactions inside their window: as they are, but for those whose evidence went on after it."""
    rows, closed = pick(now.facts.within, fresh), now.closed[fresh]
    weight, total = now.evidence.weight[fresh], now.evidence.sum[fresh]
    later = (now.rows["flags"] & np.uint32(FLAG_CANCELLED)) != 0
    later[now.facts.groups.of[now.facts.beyond]] = True
    at = np.flatnonzero(later[fresh])
    if len(at):
        patch = inside_window(now.facts, now.notes, fresh[at], now.watermark_ms, context)
        closed[at] = patch.closed
        weight[at], total[at] = patch.evidence.weight, patch.evidence.sum
    return rows, closed, weight, total


def _drops(
    header: Records,
    rows: Records,
    closed: NDArray[np.bool_],
    evidence: tuple[Floats, Floats],
    final_before_ms: int,
    context: Context,
) -> list[Finding]:
    weight, total = evidence
    chosen = np.flatnonzero(closed & (weight > 0).any(axis=1))
    prior = segment_prior(rows["segment"][chosen], context.strings, context.model)
    given = Interactions(
        rows["customer"][chosen].astype(np.int64), rows["start_ms"][chosen], weight[chosen], total[chosen], prior
    )
    past = Past(header["past_ms"], header["past"][:, 0], header["past"][:, 1], header["past"][:, 2])
    final = given.start_ms < final_before_ms
    suspect = customers.suspects(given, past)
    looked_at = suspect[given.customer]
    quiet = final & ~looked_at
    after = customers.fold(given.take(quiet), past, context.model) if quiet.any() else past.copy()
    found: list[Finding] = []
    if looked_at.any():
        at = np.flatnonzero(looked_at)
        at = at[np.lexsort((*_ties(pick(rows, chosen[at])), given.start_ms[at], given.customer[at]))]
        levels, watched = customers.watch(given.take(at), past, final[at], context.model)
        for target, source in zip(_arrays(after), _arrays(watched), strict=True):
            target[suspect] = source[suspect]
        found = _fell(levels, given.take(at), chosen[at])
    header["past_ms"] = after.at_ms
    for place, values in enumerate((after.weight, after.total, after.level)):
        header["past"][:, place] = values
    return found


def _ties(rows: Records) -> tuple[Records, Records]:
    return rows["event_hash"], rows["sequence"]


def _arrays(past: Past) -> tuple[NDArray[Any], ...]:
    return past.at_ms, past.weight, past.total, past.level


def _fell(levels: customers.Levels, given: Interactions, fact: Index) -> list[Finding]:
    above = levels.level >= customers.THRESHOLD
    says = given.weight > 0
    found = []
    mean = given.mean
    for row in np.flatnonzero(levels.rises).tolist():
        order = [one for one in np.argsort(-levels.level[row]).tolist() if above[row, one] and says[row, one]]
        worst = order[0]
        usual, seen = float(levels.usual[row, worst]), float(mean[row, worst])
        found.append(
            Finding(
                DROP, "scores", int(fact[row]), tuple(DIMENSIONS[one] for one in order), usual - seen,
                float(levels.level[row, worst]), customers.THRESHOLD, usual, seen,
            )
        )  # fmt: skip
    return found


def _rules(
    working: Working, now: View, fresh: Index, rows: Records, closed: NDArray[np.bool_], context: Context
) -> list[Finding]:
    place = np.full(len(now.rows), -1, np.int32)
    place[fresh] = np.arange(len(fresh))
    answers = pick(now.notes, now.notes["kind"] == NOTE_ANSWER)
    answers["owner"] = place[answers["owner"]]
    answers = pick(answers, answers["owner"] >= 0)
    window_ms = context.policy.cell_window_ms
    answers = pick(answers, answers["at_ms"] <= rows["start_ms"][answers["owner"]] + window_ms)
    seen = Seen(rows, closed, answers, working.marks, context.policy.failure_retention_ms, context.strings)
    return [
        Finding(RULE, name, fact, (), 0.0, 0.0, threshold, _NOT_GIVEN, observed)
        for name, rule in discover().items()
        for fact, observed, threshold in zip(*(part.tolist() for part in _parts(rule.find(seen))), strict=True)
    ]


def _parts(found: Any) -> tuple[NDArray[Any], ...]:
    return found.fact, found.observed, found.threshold
