"""Simple rules over the customer's own answers; each gets the variance that its errors really have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.evaluate.perception.scene import HORIZONS, Floats, Index, Scene, Told, known

STEPS = (0.03, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
"""Steps of the exponentially weighted mean, of which the best is taken: with hindsight, a help to it."""


def baselines(scene: Scene) -> dict[str, Told]:
    """By name; the variance is the mean squared error over all queries, known with hindsight too."""
    columns = [_of_dimension(scene, place, dimension) for place, dimension in enumerate(scene.dimensions)]
    means = {name: np.column_stack([column[name] for column in columns]) for name in columns[0]}
    return {name: _told(scene, dict.fromkeys(HORIZONS, mean)) for name, mean in means.items()} | {
        "EWMA, best step": _best(scene, columns)
    }


def _told(scene: Scene, mean: dict[str, Floats]) -> Told:
    error = {name: mean[name] - scene.queries.truth[name] for name in HORIZONS}
    spread = {name: np.broadcast_to((error[name] ** 2).mean(axis=0), error[name].shape) for name in HORIZONS}
    return Told(mean, {name: np.asarray(values) for name, values in spread.items()})


def _of_dimension(scene: Scene, place: int, dimension: int) -> dict[str, Floats]:
    prior = scene.prior[:, place]
    constant = np.full(len(prior), scene.queries.truth["relationship"][:, place].mean())
    first, last, points = _answers(scene, dimension)
    count = last - first
    sums = np.concatenate(([0.0], np.cumsum(points)))
    running = (sums[last] - sums[first]) / np.maximum(count, 1)
    latest = np.append(points, 0.0)[last - 1]
    return {
        "constant": constant,
        "segment mean": prior,
        "last answer": np.where(count > 0, latest, prior),
        "running mean": np.where(count > 0, running, prior),
    }


def _answers(scene: Scene, dimension: int) -> tuple[Index, Index, Floats]:
    """Bounds of each query's answers about a dimension, and the answers, points."""
    seen = scene.observations
    rows: NDArray[np.int64] = np.flatnonzero(seen.stated & (seen.weight[:, dimension] > 0))
    first, last = known(scene.customer[rows], seen.at_ms[rows], scene.queries)
    return first, last, seen.value[rows, dimension]


def _best(scene: Scene, columns: list[dict[str, Floats]]) -> Told:
    """The best step for each horizon."""
    ladder = [_smoothed(scene, columns, step) for step in STEPS]
    best = {}
    for name in HORIZONS:
        best[name] = min(ladder, key=lambda mean: float(((mean - scene.queries.truth[name]) ** 2).mean()))
    return _told(scene, best)


def _smoothed(scene: Scene, columns: list[dict[str, Floats]], step: float) -> Floats:
    """Exponentially weighted means from the segment's mean on."""
    means = []
    for place, dimension in enumerate(scene.dimensions):
        level = columns[place]["segment mean"].copy()
        first, last, points = _answers(scene, dimension)
        for number in range(int((last - first).max(initial=0))):
            rows = np.flatnonzero(last - first > number)
            level[rows] += step * (points[first[rows] + number] - level[rows])
        means.append(level)
    return np.column_stack(means)
