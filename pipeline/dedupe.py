"""Producer duplicates: of one customer's events with one event id, the first in the log counts.

The ledger of ids is bounded by time: an event id is remembered until the first event of that id is older than the
lateness, judged at the record that repeats it. Whoever uses an id again after that has made another event.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.records import pick

Index = NDArray[np.int64]


class Judged(NamedTuple):
    """Which of the new pieces stay, and how many were repeats."""

    keep: NDArray[np.bool_]
    """Over the new pieces."""
    duplicates: int
    """Repeats, conflicting ones included."""
    conflicts: int
    """Repeats whose content differs from the first; the first wins."""


def dedupe(ledger: NDArray[Any], new: NDArray[Any], remembered_from_ms: Index) -> Judged:
    """Judge ``new`` event pieces against ``ledger`` (pieces of the same customers) and each other.

    ``remembered_from_ms`` is, per new piece, the earliest time whose ids the ledger still holds at its record.
    """
    known = pick(ledger, ledger["content_hash"] != 0)
    both = {
        name: np.concatenate((known[name], new[name]))
        for name in ("customer", "event_hash", "offset", "content_hash", "start_ms")
    }
    horizon = np.concatenate((np.zeros(len(known), np.int64), remembered_from_ms))
    order = np.lexsort((both["offset"], both["event_hash"], both["customer"]))
    customer, event_hash = both["customer"][order], both["event_hash"][order]
    again = np.zeros(len(order), bool)
    again[1:] = (customer[1:] == customer[:-1]) & (event_hash[1:] == event_hash[:-1])
    firsts = _firsts(again, both["start_ms"][order], horizon[order])
    repeat = firsts != np.arange(len(order))
    content = both["content_hash"][order]
    keep = np.ones(len(order), bool)
    keep[order] = ~repeat
    return Judged(keep[len(known) :], int(repeat.sum()), int((content != content[firsts]).sum()))


def _firsts(again: NDArray[np.bool_], start_ms: Index, horizon_ms: Index) -> Index:
    """Place of the event that each one repeats (its own if none); only ids that recur are walked."""
    firsts = np.arange(len(again))
    for place in np.flatnonzero(again).tolist():
        first = firsts[place - 1]
        if start_ms[first] >= horizon_ms[place]:
            firsts[place] = first
    return firsts
