"""What an evaluation needs to know of a world, whatever made it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Model
from pipeline.perceive import Observations

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

HORIZONS = ("relationship", "journey")


@dataclass(frozen=True, slots=True)
class Queries:
    """Moments at which a customer's perception is asked for, in order of (customer, at_ms)."""

    customer: Index
    at_ms: Index
    truth: dict[str, Floats]
    """By horizon: the true level, points, shape (q, dimensions)."""


@dataclass(frozen=True, slots=True)
class Told:
    """One estimate: mean and variance by horizon, shape (q, dimensions)."""

    mean: dict[str, Floats]
    variance: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Scene:
    """A world with its observations as the pipeline made them, in order of (customer, at_ms)."""

    model: Model
    observations: Observations
    customer: Index
    """Of each observation."""
    prior: Floats
    """True mean of the customer's segment at each query, shape (q, dimensions)."""
    assumed: Floats
    """What the model takes as that mean, shape (q, 3)."""
    queries: Queries
    dimensions: tuple[int, ...]
    """Judged ones, by place in ``schemas.tables.DIMENSIONS``."""
    oracle: Told
    said: Floats
    """Answers as they were given, points, shape of ``customer``; of other observations their first value."""


def in_order(observations: Observations, customer: Index) -> tuple[Observations, Index]:
    """Both in order of (customer, at_ms)."""
    order = np.lexsort((observations.at_ms, customer))
    return observations.take(order), customer[order]


def known(customer: Index, at_ms: Index, queries: Queries) -> tuple[Index, Index]:
    """First row of each query's customer, and the row after the last one before the query."""
    span = int(max(at_ms.max(initial=0), queries.at_ms.max())) + 1
    first = np.searchsorted(customer, queries.customer, "left")
    last = np.searchsorted(customer * span + at_ms, queries.customer * span + queries.at_ms, "left")
    return first, last


def spread_out(first: Index, last: Index) -> tuple[Index, Index]:
    """Every (query, row) pair of the rows ``first`` to ``last`` of each query, as two columns."""
    count = last - first
    query = np.repeat(np.arange(len(count)), count)
    row = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count) + first[query]
    return query, row
