"""Runs of pieces reduced to one piece each, by the rules of records.PIECE."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.policy import Policy
from pipeline.records import EXPLICIT, IMPLICIT, pick, put

Records = NDArray[Any]
Index = NDArray[np.int64]

_FIRST_NAMED: Final = ("goal", "reason")
_LAST_CODES: Final = ("segment", "outcome", "team", "skill", "skill_needed")
_LAST_SMALL: Final = ("status", "visible", "resolved")
_SUMS: Final = ("wait_s", "duration_s", "amount")


def reduce(pieces: Records, order: Index, starts: Index, begun_ms: Index, policy: Policy) -> Records:
    """Reduce runs of pieces to one piece each, by the rules of records.PIECE.

    ``order`` indexes ``pieces``; ``starts`` indexes ``order``, where the runs begin; ``begun_ms`` is, for each of
    ``order``, the start of its interaction (a run may be a part of an interaction).
    """
    facts = _named_in_time(pick(pieces, order[starts]), begun_ms[starts], policy)
    sizes = _run_lengths(starts, len(order))
    several = sizes > 1
    if several.any():  # most runs are one piece, and every column of a piece that is looked at costs
        members = np.repeat(several, sizes)
        inner = np.cumsum(sizes[several]) - sizes[several]
        put(facts, several, _reduce_all(pick(pieces, order[members]), inner, begun_ms[members], policy))
    return facts


def _reduce_all(ordered: Records, starts: Index, begun_ms: Index, policy: Policy) -> Records:
    facts = pick(ordered, starts)
    for name in ("end_ms", "offset", "severity"):
        facts[name] = np.maximum.reduceat(ordered[name], starts)
    facts["events"] = np.add.reduceat(ordered["events"], starts)
    for name in ("types", "flags"):
        facts[name] = np.bitwise_or.reduceat(ordered[name], starts)
    facts["content_hash"] = 0
    facts["last_type"] = ordered["last_type"][np.append(starts[1:], len(ordered)) - 1]
    run = np.repeat(np.arange(len(starts)), _run_lengths(starts, len(ordered)))
    in_time = ordered["start_ms"] <= begun_ms + policy.naming_window_ms
    for name in _FIRST_NAMED:
        _first_given(facts, ordered, name, run, in_time)
    _first_given(facts, ordered, "journey", run, in_time | (ordered["grouping"] == IMPLICIT))
    _first_given(facts, ordered, "touchpoint", run, None)
    for name in _LAST_CODES:
        _last_given(facts, ordered, name, run, ordered[name] != 0)
    for name in _LAST_SMALL:
        _last_given(facts, ordered, name, run, ordered[name] >= 0)
    _last_given(facts, ordered, "promised_s", run, ~np.isnan(ordered["promised_s"]))
    for name in _SUMS:
        _sum_given(facts, ordered, name, run, ~np.isnan(ordered[name]))
    _sum_given(facts, ordered, "transfers", run, ordered["transfers"] >= 0)
    return facts


def _run_lengths(starts: Index, total: int) -> Index:
    return np.diff(np.append(starts, total))


def _named_in_time(facts: Records, begun_ms: Index, policy: Policy) -> Records:
    """Runs of one piece keep what they say, but for names given too late."""
    tardy = facts["start_ms"] > begun_ms + policy.naming_window_ms
    if np.any(tardy):
        for name in _FIRST_NAMED:
            facts[name][tardy] = 0
        facts["journey"][tardy & (facts["grouping"] == EXPLICIT)] = 0
    return facts


def _first_given(facts: Records, ordered: Records, name: str, run: Index, allowed: NDArray[np.bool_] | None) -> None:
    values = ordered[name]
    given = values != 0 if allowed is None else (values != 0) & allowed
    places = np.flatnonzero(given)[::-1]  # of several for one run the last counts: the first, from behind
    facts[name] = 0
    facts[name][run[places]] = values[places]


def _last_given(facts: Records, ordered: Records, name: str, run: Index, given: NDArray[np.bool_]) -> None:
    places = np.flatnonzero(given)
    facts[name][run[places]] = ordered[name][places]


def _sum_given(facts: Records, ordered: Records, name: str, run: Index, given: NDArray[np.bool_]) -> None:
    """Sums where something is given; the others keep the "not given" of their first piece."""
    places = np.flatnonzero(given)
    runs = run[places]
    total = np.bincount(runs, ordered[name][places], len(facts))
    facts[name][runs] = total[runs]
