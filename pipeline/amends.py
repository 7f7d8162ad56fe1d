"""Amends: what a recovery gives back of its failure, and what a failure that comes again adds (PERCEPTION.md, Fold).

They are observations of the interaction that brought the recovery, or the failure again, and reach the customer's
journey and relationship; that interaction's own score stays what it was, and so does the failure's. What a failure
weighs is judged by its interaction as it was inside its cell window: that is final before all that refers to it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Model, RecoveryRule
from pipeline.ordering import order_of
from pipeline.perceive import AMENDS_SIGNAL, Floats, Indices, Observations, outcome_evidence, segment_prior
from pipeline.records import EXPLICIT, MARK_FAILURE, copied, pick
from pipeline.recover import match
from pipeline.strings import Strings
from schemas.event import EVENT_TYPES
from schemas.tables import DIMENSIONS

Records = NDArray[Any]
Flags = NDArray[np.bool_]

_MARKING: Final = np.uint32(sum(1 << EVENT_TYPES.index(name) for name in ("failure", "recovery")))
_ENJOYABLE: Final = DIMENSIONS.index("enjoyable")


def marking(rows: Records) -> Flags:
    """Facts (dtype PIECE) with a failure or a recovery in them."""
    return np.asarray((rows["types"] & _MARKING) != 0)


def none() -> Observations:
    """No amends."""
    empty = np.zeros(0, np.int64)
    wide = np.zeros((0, len(DIMENSIONS)))
    return Observations(empty, empty, wide, wide, np.zeros(0, np.bool_), np.zeros(0, np.int16))


def facts_of(marks: Records, rows: Records) -> Indices:
    """Index of the fact that brought each mark, -1 where it is not among ``rows``."""
    facts = np.flatnonzero(marking(rows))
    explicit = np.concatenate((rows["grouping"][facts] == EXPLICIT, marks["interaction"] != 0))
    both = {
        name: np.concatenate((rows[name][facts], marks[name]))
        for name in ("customer", "interaction", "channel", "journey")
    }
    thread = (
        np.where(explicit, -1, both["journey"]),
        np.where(explicit, both["interaction"], both["channel"]),
        both["customer"],
    )
    is_mark = np.repeat([False, True], [len(facts), len(marks)])
    time = np.concatenate((rows["start_ms"][facts], marks["at_ms"]))
    order = order_of(*reversed(thread), time, is_mark)
    before = np.maximum.accumulate(np.where(is_mark[order], -1, np.arange(len(order))))
    found = np.full(len(order), -1)
    held = np.flatnonzero(is_mark[order] & (before >= 0))
    mark, fact = order[held], order[before[held]]
    same = np.all([column[mark] == column[fact] for column in thread], axis=0)
    inside = same & (marks["at_ms"][mark - len(facts)] <= rows["end_ms"][facts[fact]])
    found[mark[inside]] = facts[fact[inside]]
    return found[len(facts) :]


def weighed(
    marks: Records, fact: Indices, within: Records, closed: Flags, window_ms: int, strings: Strings, model: Model
) -> Records:
    """``marks`` with what their failures weigh, and whether they came again, where their fact is known.

    ``fact`` is the index of each mark's fact or -1; ``within`` (dtype PIECE) and ``closed`` are over the facts.
    """
    failures = np.flatnonzero((marks["kind"] == MARK_FAILURE) & (fact >= 0))
    made = copied(marks)
    chosen, place = np.unique(fact[failures], return_inverse=True)
    weight, points = outcome_evidence("failure", pick(within, chosen), closed[chosen], strings, model)
    made["weight"][failures], made["points"][failures] = weight[place], points[place]
    made["again"] |= _before(marks, "reason", window_ms) >= 0
    return made


def _before(marks: Records, matter: str, window_ms: int) -> Indices:
    """Of each failure the one before it in the window that has the same ``matter``; -1 where there is none."""
    failures = np.flatnonzero(marks["kind"] == MARK_FAILURE)
    rows = pick(marks, failures)
    thread = [rows["customer"], rows["reason"]]
    if matter == "thread":
        thread = [rows["customer"], rows["journey"], np.where(rows["journey"] != 0, 0, rows["reason"])]
    order = order_of(*thread, rows["at_ms"], rows["sequence"], rows["event_hash"])
    same = np.all([column[order][1:] == column[order][:-1] for column in thread], axis=0)
    same &= np.diff(rows["at_ms"][order]) <= window_ms
    found = np.full(len(marks), -1)
    found[failures[order[1:][same]]] = failures[order[:-1][same]]
    return found


def amends(marks: Records, fact: Indices, window_ms: int, strings: Strings, model: Model) -> Observations:
    """What the ``marks`` (dtype MARK, complete per customer, weighed) give to the facts that brought them."""
    pairs = match(marks, window_ms)
    pairs = pairs[pairs["recovery"] >= 0]
    pairs = pairs[fact[pairs["recovery"]] >= 0]
    failure, recovery = pick(marks, pairs["mark"]), pick(marks, pairs["recovery"])
    earlier = _before(marks, "thread", window_ms)
    came = np.flatnonzero((earlier >= 0) & (fact >= 0))
    repeated, rule = pick(marks, earlier[came]), model.recovery
    given = _given_back(failure, recovery, rule)
    thanks = _bonus(failure, rule)
    owner = fact[pairs["recovery"]]
    prior = failure["points"] - _depth(model)
    return _observations(
        np.concatenate((owner, owner[thanks], fact[came])),
        np.concatenate((failure["at_ms"], recovery["at_ms"][thanks], marks["at_ms"][came])),
        np.concatenate((given, _joy(rule.bonus_weight, int(thanks.sum())), rule.again * repeated["weight"])),
        _by_dimension(
            np.concatenate((failure["points"], prior[thanks] + rule.bonus_points, repeated["points"])),
            np.concatenate((failure["segment"], failure["segment"][thanks], repeated["segment"])),
            strings,
            model,
        ),
    )


def _by_dimension(points: Floats, segment: NDArray[np.int32], strings: Strings, model: Model) -> Floats:
    """Values (n, 3) from those of the first dimension (n,): the others lie as far from it as their priors."""
    prior = segment_prior(segment, strings, model)
    return np.asarray(points[:, np.newaxis] + (prior - prior[:, :1]))


def _depth(model: Model) -> float:
    """How far below the prior the value of a failure lies, b/R² points."""
    effect = model.effects.get("failure")
    return float(effect.shift(np.ones(1))[0] / effect.explained) if effect else 0.0


def _given_back(failure: Records, recovery: Records, rule: RecoveryRule) -> Floats:
    """-0.7·2^(-Δ/24 h)·w_f at the time of the failure, Δ the time to fix; shape (n, 3)."""
    took = recovery["at_ms"] - failure["at_ms"]
    return np.asarray(-rule.returned * np.exp2(-took / rule.half_life_ms)[:, np.newaxis] * failure["weight"])


def _bonus(failure: Records, rule: RecoveryRule) -> Flags:
    """Whose recovery is worth more than none at all: the first of its reason for long, and not severe.

    The paradox of recovery holds for satisfaction only, and never after a second failure (de Matos, Henrique and
    Vargas Rossi, Journal of Service Research 2007).
    """
    known = failure["weight"].any(axis=1)
    return np.asarray(known & ~failure["again"] & (failure["severity"] < rule.severe_from))


def _joy(weight: float, count: int) -> Floats:
    joy = np.zeros((count, len(DIMENSIONS)))
    joy[:, _ENJOYABLE] = weight
    return joy


def _observations(fact: Indices, at_ms: Indices, weight: Floats, value: Floats) -> Observations:
    order = np.lexsort((weight[:, 0], at_ms, fact))
    return Observations(
        fact=fact[order],
        at_ms=at_ms[order],
        weight=weight[order],
        value=value[order],
        stated=np.zeros(len(fact), np.bool_),
        signal=np.full(len(fact), AMENDS_SIGNAL, np.int16),
    )
