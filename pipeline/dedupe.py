"""Producer duplicates: of one customer's events with one event id, the first in the log counts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Judged(NamedTuple):
    """Which of the new pieces stay, and how many were repeats."""

    keep: NDArray[np.bool_]
    """Over the new pieces."""
    duplicates: int
    """Repeats, conflicting ones included."""
    conflicts: int
    """Repeats whose content differs from the first; the first wins."""


def dedupe(ledger: NDArray[Any], new: NDArray[Any]) -> Judged:
    """Judge ``new`` event pieces against ``ledger`` (pieces of the same customers) and each other.

    Sealed pieces never match: what could repeat them is late and does not get here.
    """
    known = ledger[ledger["content_hash"] != 0]
    columns = [
        np.concatenate((known[name], new[name])) for name in ("customer", "event_hash", "offset", "content_hash")
    ]
    customer, event_hash, offset, content = columns
    order = np.lexsort((offset, event_hash, customer))
    customer, event_hash, content = customer[order], event_hash[order], content[order]
    repeat = np.zeros(len(order), bool)
    repeat[1:] = (customer[1:] == customer[:-1]) & (event_hash[1:] == event_hash[:-1])
    first = np.maximum.accumulate(np.where(repeat, 0, np.arange(len(order))))
    conflict = repeat & (content != content[first])
    keep = np.ones(len(order), bool)
    keep[order] = ~repeat
    return Judged(keep[len(known) :], int(repeat.sum()), int(conflict.sum()))
