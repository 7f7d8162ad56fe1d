"""From a warehouse to what a fit learns from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.evaluate.reading import Base, gather
from jobs.journal import sampled_facts
from jobs.warehouse.protocol import Warehouse
from pipeline.policy import Policy


@dataclass(frozen=True, slots=True)
class Seen:
    """What a warehouse holds."""

    customer: NDArray[np.object_]
    """Of each answer, shape (n,)."""
    segment: NDArray[np.object_]
    scale: NDArray[np.object_]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    facts: NDArray[Any]
    """Closed interactions (dtype PIECE), shape (m,)."""
    count: NDArray[np.int64]
    """How many interactions are alike, shape (m,)."""
    base: Base | None = None
    """The same answers with what happened before them; None = not known."""

    def only(self, rows: NDArray[np.bool_]) -> Seen:
        """With some of the answers only; all interactions stay."""
        answers = {name: getattr(self, name)[rows] for name in ("customer", "segment", "scale", "value", "low", "high")}
        return replace(self, **answers, base=None if self.base is None else self.base.only(rows))


def read(warehouse: Warehouse, until_ms: int | None = None, policy: Policy = Policy()) -> Seen:
    """Answers and closed interactions from before ``until_ms``; ``policy`` is the one that filled the warehouse."""
    return seen_of(warehouse, gather(warehouse, until_ms=until_ms, policy=policy), until_ms, policy)


def seen_of(warehouse: Warehouse, base: Base, until_ms: int | None = None, policy: Policy = Policy()) -> Seen:
    """The answers of ``base``, and closed interactions from before ``until_ms``."""
    known = sampled_facts(warehouse, until_ms, policy)
    facts = known.records[known.closed]
    customer, segment, scale = (np.array(base.columns[place], dtype=object) for place in (0, 3, 4))
    value, low, high = (np.array(base.columns[place], dtype=np.float64) for place in (5, 6, 7))
    return Seen(customer, segment, scale, value, low, high, facts, np.ones(len(facts), np.int64), base)
