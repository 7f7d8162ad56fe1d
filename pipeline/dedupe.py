"""Producer duplicates: of one customer's events with one event id, the first in the log counts.

The ledger of ids is bounded by time: an event id is remembered until the first event of that id is older than the
lateness, judged at the record that repeats it. Whoever uses an id again after that has made another event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.ordering import begins, order_of

Index = NDArray[np.int64]

_ODD: Final = np.uint64(0x9E3779B97F4A7C15)


class Judged(NamedTuple):
    """Which of the new pieces stay, and how many were repeats."""

    keep: NDArray[np.bool_]
    """Over the new pieces."""
    duplicates: int
    """Repeats, conflicting ones included."""
    conflicts: int
    """Repeats whose content differs from the first; the first wins."""


def dedupe(ledger: NDArray[Any], new: Mapping[str, NDArray[Any]], remembered_from_ms: Index) -> Judged:
    """Judge the columns of ``new`` event pieces against ``ledger`` (pieces of the same customers) and each other.

    ``remembered_from_ms`` is, per new piece, the earliest time whose ids the ledger still holds at its record.
    """
    known = np.flatnonzero(ledger["content_hash"])
    both = {
        name: np.concatenate((ledger[name][known], new[name]))
        for name in ("customer", "event_hash", "offset", "content_hash", "start_ms")
    }
    horizon = np.concatenate((np.zeros(len(known), np.int64), remembered_from_ms))
    keep = np.ones(len(horizon), bool)
    like = _alike(both["customer"], both["event_hash"])
    order = like[order_of(*(both[name][like] for name in ("customer", "event_hash", "offset")))]
    again = ~begins(both["customer"][order], both["event_hash"][order])
    firsts = _firsts(again, both["start_ms"][order], horizon[order])
    repeat = firsts != np.arange(len(order))
    content = both["content_hash"][order]
    keep[order] = ~repeat
    return Judged(keep[len(known) :], int(repeat.sum()), int((content != content[firsts]).sum()))


def _alike(customer: NDArray[np.int32], event_hash: NDArray[np.uint64]) -> Index:
    """All events that share customer and event id with another, and by chance a few more."""
    mixed = event_hash ^ customer.astype(np.uint64) * _ODD
    order = np.argsort(mixed)
    new = begins(mixed[order])
    alike: Index = order[~new | ~np.append(new[1:], True)]
    return alike


def _firsts(again: NDArray[np.bool_], start_ms: Index, horizon_ms: Index) -> Index:
    """Place of the event that each one repeats (its own if none); only ids that recur are walked."""
    firsts = np.arange(len(again))
    for place in np.flatnonzero(again).tolist():
        first = firsts[place - 1]
        if start_ms[first] >= horizon_ms[place]:
            firsts[place] = first
    return firsts
