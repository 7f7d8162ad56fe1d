"""river's drift detectors on series from a file: run by an interpreter that has river and numpy, and nothing of ours.

``python river_contest.py SERIES.npz`` prints a line per detector. Each is measured at its defaults and tuned: of a grid
of parameters, the setting that finds most falls of 8 points among those that keep the target of false alarms, both on
the worlds for tuning. What is printed is measured on other worlds.
"""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

TARGET = 1.0
"""False alarms per 1,000 cell-days."""
WITHIN = 24
"""Buckets in which a fall must be found."""
SLOW = {"KSWIN": 24}
"""Cells that are measured, of detectors that need milliseconds per value."""
GRIDS: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "ADWIN": {"delta": (0.3, 0.1, 0.03, 0.01, 2e-3, 1e-4, 1e-6), "clock": (1,), "grace_period": (10,)},
    "PageHinkley": {
        "delta": (1.0, 2.0, 4.0),
        "threshold": (25, 50, 70, 100, 140, 200, 280, 400),
        "alpha": (1.0, 0.9999),
        "mode": ("down",),
    },
    "KSWIN": {"alpha": (1e-4, 1e-6, 1e-8), "stat_size": (12, 30), "seed": (1,)},
}
Detector = Callable[[], Any]


class World:
    """Series of cells, each with the buckets of its values; ``begin`` is the bucket of each cell's fall."""

    def __init__(self, stored: Any, name: str) -> None:
        self.values = np.split(stored[f"{name}_values"], stored[f"{name}_ends"][:-1])
        self.buckets = np.split(stored[f"{name}_buckets"], stored[f"{name}_ends"][:-1])
        self.begin = stored[f"{name}_begin"]
        self.start, self.days = int(stored["start"]), float(stored["days"])

    def alarms(self, make: Detector, cell: int) -> list[int]:
        """Buckets of detections after the days of learning."""
        detector, found = make(), []
        for bucket, value in zip(self.buckets[cell].tolist(), self.values[cell].tolist(), strict=True):
            detector.update(value)
            if detector.drift_detected and bucket >= self.start:
                found.append(bucket)
        return found

    def false(self, make: Detector, cells: int) -> float:
        """Alarms per 1,000 cell-days."""
        return sum(len(self.alarms(make, cell)) for cell in range(cells)) / (cells * self.days) * 1_000

    def found(self, make: Detector, cells: int) -> float:
        """Share of falls that are found in time."""
        hits = [
            any(self.begin[cell] <= at < self.begin[cell] + WITHIN for at in self.alarms(make, cell))
            for cell in range(cells)
        ]
        return float(np.mean(hits))


def settings(grid: Mapping[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Every combination of a grid."""
    return (dict(zip(grid, chosen, strict=True)) for chosen in itertools.product(*grid.values()))


def tuned(kind: Any, grid: Mapping[str, tuple[Any, ...]], quiet: World, falls: World, cells: int) -> dict[str, Any]:
    """The setting that finds most among those that keep the target; the quietest if none does."""
    rated = []
    for given in settings(grid):

        def make(given: dict[str, Any] = given) -> Any:
            return kind(**given)

        false = quiet.false(make, cells)
        rated.append((false <= TARGET, falls.found(make, cells) if false <= TARGET else -false, given))
    return max(rated, key=lambda one: one[:2])[2]


def main(path: str) -> None:
    """Print a line per detector and setting."""
    river = importlib.import_module("river")
    stored = np.load(path)
    worlds = {name: World(stored, name) for name in stored["names"].tolist()}
    every = len(worlds["quiet"].values)
    for name, grid in GRIDS.items():
        kind = getattr(importlib.import_module("river.drift"), name)
        cells = min(SLOW.get(name, every), every)
        best = tuned(kind, grid, worlds["tune_quiet"], worlds["tune_8"], cells)
        for how, given in (("default", {"seed": 1} if name == "KSWIN" else {}), ("tuned", best)):

            def make(kind: Any = kind, given: dict[str, Any] = given) -> Any:
                return kind(**given)

            shares = [worlds[world].found(make, cells) for world in ("falls_8", "falls_16")]
            text = " ".join(f"{key}={value:g}" for key, value in given.items() if not isinstance(value, str))
            line = f"{f'river {name} {how}':34}{shares[0]:>9.2f}{shares[1]:>11.2f}"
            print(f"{line}{worlds['quiet'].false(make, cells):>27.1f}{cells:>8}  {text}", flush=True)
    print(f"(river {river.__version__}, on the same cells less their seasonal baseline, in an environment of its own)")


if __name__ == "__main__":
    main(sys.argv[1])
