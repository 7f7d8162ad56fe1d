"""river's drift detectors on the cells' hourly means, if river is installed; it is no dependency of the project."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from pipeline.detect.policy import HOURLY
from pipeline.detect.run import run
from tests.evaluate.worlds import DAY, Falls, World

CELLS = 120
"""Measured cells: river works one value at a time."""
Residuals = list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]
Make = Callable[[], Any]


def compare(make: Callable[[float], tuple[World, Falls]], start: int, target: float) -> None:
    """Print a line per detector: falls of 8 and 16 points found within 24 h, false alarms per 1,000 cell-days."""
    if importlib.util.find_spec("river") is None:
        print("river: skipped, not installed here; run this with an interpreter that has it (and numpy)")
        return
    drift = importlib.import_module("river.drift")
    worlds = {points: make(points) for points in (0.0, 8.0, 16.0)}
    given = {points: residuals(made) for points, (made, _) in worlds.items()}
    begins = {points: falls.begin for points, (_, falls) in worlds.items()}
    days = CELLS * (len(worlds[0.0][0].series.n) - start) / DAY

    def false(one: Make) -> float:
        return sum(len(alarms(one, cell, start)) for cell in given[0.0]) / days * 1_000

    for name, one in contestants(drift, false, target):
        shares = [found(one, given[points], begins[points], start) for points in (8.0, 16.0)]
        print(f"{name:34}{shares[0]:>9.2f}{shares[1]:>11.2f}{false(one):>27.1f}")


def contestants(drift: Any, false: Callable[[Make], float], target: float) -> list[tuple[str, Make]]:
    """Each at its defaults, and tuned: the most sensitive of a ladder that keeps the target, else the last of it."""
    ladders: dict[str, tuple[Make, list[Make]]] = {
        "ADWIN": (
            drift.ADWIN,
            [partial(drift.ADWIN, delta=d, clock=1) for d in (0.3, 0.1, 0.03, 0.01, 2e-3, 1e-4, 1e-6)],
        ),
        "PageHinkley": (
            drift.PageHinkley,
            [partial(drift.PageHinkley, delta=2.0, threshold=t, mode="down") for t in (25, 35, 50, 70, 100, 140, 200)],
        ),
        "KSWIN": (partial(drift.KSWIN, seed=1), [partial(drift.KSWIN, alpha=a, seed=1) for a in (1e-4, 1e-6, 1e-8)]),
    }
    made: list[tuple[str, Make]] = []
    for name, (default, ladder) in ladders.items():
        tuned = next((one for one in ladder if false(one) <= target), ladder[-1])
        made += [(f"river {name} default", default), (f"river {name} tuned", tuned)]
    return made


def residuals(made: World) -> Residuals:
    """Per leaf: buckets with data, and their means minus the project's own seasonal baseline (a help to river)."""
    outcome = run(made.series, HOURLY, np.full(len(made.series.scopes), np.inf))
    n, distance = outcome.weight["drop"][:, :, 0], outcome.distance["drop"][:, :, 0]
    cells = range(made.parents, made.parents + CELLS)
    at = [np.flatnonzero(n[:, cell] > 0) for cell in cells]
    return [(where, -distance[where, cell] / n[where, cell]) for cell, where in zip(cells, at, strict=True)]


def alarms(make: Make, cell: tuple[Any, Any], start: int) -> list[int]:
    """Buckets of detections after ``start``."""
    detector, found_at = make(), []
    for bucket, value in zip(*cell, strict=True):
        detector.update(value)
        if detector.drift_detected and bucket >= start:
            found_at.append(int(bucket))
    return found_at


def found(make: Make, given: Residuals, begins: Any, start: int) -> float:
    """Share of falls with a detection within 24 hours."""
    hits = [
        any(begins[leaf] <= at < begins[leaf] + 24 for at in alarms(make, cell, start))
        for leaf, cell in enumerate(given)
    ]
    return float(np.mean(hits))
