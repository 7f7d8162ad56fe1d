"""Simple rules over the customer's own answers; each gets the variance that its errors really have.

Rules that one could really have take answers as they were given, and start and step from the answers of a training
world, as a fitted model does. Rules in hindsight are helped by the truth of the very world that they are judged on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.evaluate.perception.scene import HORIZONS, Floats, Index, Scene, Told, known

STEPS = (0.03, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
"""Steps of the exponentially weighted mean that are tried."""
HINDSIGHT = "EWMA, hindsight"
"""Starts at the true segment means, takes the step with the least error against the truth, by horizon, and sees answers
without what the judged model says that their interaction caused."""
HINDSIGHTS = frozenset({HINDSIGHT, "constant, hindsight", "segment mean, hindsight"})


@dataclass(frozen=True, slots=True)
class Rule:
    """What the answers of a training world teach."""

    means: dict[bytes, Floats]
    """Mean answer of each segment about each judged dimension, points; by the segment's mark."""
    overall: Floats
    step: float
    """The one that predicts the next answer best."""

    def start(self, marks: list[bytes]) -> Floats:
        """Where customers of these segments start, shape (n, dimensions)."""
        return np.array([self.means.get(mark, self.overall) for mark in marks])


def marks_of(scene: Scene) -> list[bytes]:
    """A name for each query's segment."""
    return [row.tobytes() for row in scene.prior]


def learnt_rule(scene: Scene) -> Rule:
    """The rule of a training world: from its answers alone."""
    of_customer = dict(zip(scene.queries.customer.tolist(), marks_of(scene), strict=True))
    told = [_about(scene, dimension) for dimension in scene.dimensions]
    told = [rows[np.isin(scene.customer[rows], scene.queries.customer)] for rows in told]
    overall = np.array([scene.said[rows].mean() for rows in told])
    means = {mark: overall.copy() for mark in set(of_customer.values())}
    asked: list[tuple[Index, Floats, Floats]] = []
    for place, rows in enumerate(told):
        points, customer = scene.said[rows], scene.customer[rows]
        marks = np.array([of_customer[one] for one in customer.tolist()], dtype=object)
        start = np.empty(len(rows))
        for mark in set(marks.tolist()):
            own = marks == mark
            means[mark][place] = start[own] = float(points[own].mean())
        asked.append((customer, points, start))
    step = min(STEPS, key=lambda one: sum(_surprise(*part, one) for part in asked))
    return Rule(means, overall, step)


def _surprise(customer: Index, points: Floats, start: Floats, step: float) -> float:
    """Squared errors of each answer predicted just before it; rows in order of (customer, at_ms)."""
    total, level = 0.0, start.copy()
    for rows, before in _ranks(customer):
        if before is not None:
            level[rows] = level[before] + step * (points[before] - level[before])
        total += float(((points[rows] - level[rows]) ** 2).sum())
    return total


def _ranks(customer: Index) -> Iterator[tuple[Index, Index | None]]:
    """The first rows of all customers, then the second ones with the rows before them, and so on."""
    rank = np.arange(len(customer)) - np.searchsorted(customer, customer, "left")
    for number in range(int(rank.max(initial=-1)) + 1):
        rows = np.flatnonzero(rank == number)
        yield rows, rows - 1 if number else None


def baselines(scene: Scene, rule: Rule) -> dict[str, Told]:
    """By name; the variance is the mean squared error over all queries, known with hindsight."""
    start = rule.start(marks_of(scene))
    columns = [_of_dimension(scene, place, dimension, start) for place, dimension in enumerate(scene.dimensions)]
    means = {name: np.column_stack([column[name] for column in columns]) for name in columns[0]}
    means["EWMA"] = _smoothed(scene, start, rule.step, scene.said)
    return {name: _told(scene, dict.fromkeys(HORIZONS, mean)) for name, mean in means.items()} | {
        HINDSIGHT: _best(scene)
    }


def _told(scene: Scene, mean: dict[str, Floats]) -> Told:
    error = {name: mean[name] - scene.queries.truth[name] for name in HORIZONS}
    spread = {name: np.broadcast_to((error[name] ** 2).mean(axis=0), error[name].shape) for name in HORIZONS}
    return Told(mean, {name: np.asarray(values) for name, values in spread.items()})


def _of_dimension(scene: Scene, place: int, dimension: int, start: Floats) -> dict[str, Floats]:
    count = len(scene.prior)
    first, last, rows = _answers(scene, dimension)
    points = scene.said[rows]
    sums = np.concatenate(([0.0], np.cumsum(points)))
    running = (sums[last] - sums[first]) / np.maximum(last - first, 1)
    latest = np.append(points, 0.0)[last - 1]
    some = last > first
    return {
        "segment mean": start[:, place],
        "last answer": np.where(some, latest, start[:, place]),
        "running mean": np.where(some, running, start[:, place]),
        "constant, hindsight": np.full(count, scene.queries.truth["relationship"][:, place].mean()),
        "segment mean, hindsight": scene.prior[:, place],
    }


def _about(scene: Scene, dimension: int) -> NDArray[np.int64]:
    seen = scene.observations
    return np.flatnonzero(seen.stated & (seen.weight[:, dimension] > 0))


def _answers(scene: Scene, dimension: int) -> tuple[Index, Index, Index]:
    """Bounds of each query's answers about a dimension, and the rows of all of these answers."""
    rows = _about(scene, dimension)
    return *known(scene.customer[rows], scene.observations.at_ms[rows], scene.queries), rows


def _best(scene: Scene) -> Told:
    """The best step for each horizon."""
    freed = scene.observations.value
    ladder = [_smoothed(scene, scene.prior, step, freed) for step in STEPS]
    best = {}
    for name in HORIZONS:
        best[name] = min(ladder, key=lambda mean: float(((mean - scene.queries.truth[name]) ** 2).mean()))
    return _told(scene, best)


def _smoothed(scene: Scene, start: Floats, step: float, answers: Floats) -> Floats:
    """Exponentially weighted means from ``start`` (q, dimensions) on; ``answers`` (m,), or (m, 3) by dimension."""
    means = []
    for place, dimension in enumerate(scene.dimensions):
        level = start[:, place].copy()
        first, last, rows = _answers(scene, dimension)
        points = answers[rows] if answers.ndim == 1 else answers[rows, dimension]
        for number in range(int((last - first).max(initial=0))):
            on = np.flatnonzero(last - first > number)
            level[on] += step * (points[first[on] + number] - level[on])
        means.append(level)
    return np.column_stack(means)
