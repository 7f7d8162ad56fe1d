"""river's drift detectors on the same cells, in a throw-away environment: river is no dependency of the project."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.detect.policy import HOURLY
from pipeline.detect.run import run
from pipeline.detect.series import Index
from tests.evaluate.worlds import DAY, World

RIVER = "river==0.26.1"
CONTEST = Path(__file__).with_name("river_contest.py")
CELLS = 120
"""Measured cells: river works one value at a time."""


def compare(worlds: Mapping[str, tuple[World, Index]], start: int, python: str | None = None) -> None:
    """Print a line per detector; worlds by role (:mod:`tests.evaluate.river_contest`) with where their falls begin.

    ``python``: an interpreter that has river; without one river is installed into an environment that is then deleted.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "series.npz"
        np.savez(path, **stored(worlds, start))
        interpreter = python or _environment(Path(folder) / "river")
        if interpreter is not None:
            subprocess.run([interpreter, str(CONTEST), str(path)], check=True)


def _environment(folder: Path) -> str | None:
    """Interpreter of a new environment with river; None, said on stdout, if it cannot be installed."""
    interpreter = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", RIVER]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"river: skipped, {RIVER} cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
        return None
    return str(interpreter)


def stored(worlds: Mapping[str, tuple[World, Index]], start: int) -> dict[str, Any]:
    """Series of all worlds as arrays of a file."""
    arrays: dict[str, Any] = {"names": np.array(list(worlds)), "start": start}
    for name, (made, begin) in worlds.items():
        series = residuals(made)
        arrays["days"] = (len(made.series.n) - start) / DAY
        arrays[f"{name}_begin"] = begin[: len(series)]
        arrays[f"{name}_buckets"] = np.concatenate([buckets for buckets, _ in series])
        arrays[f"{name}_values"] = np.concatenate([values for _, values in series])
        arrays[f"{name}_ends"] = np.cumsum([len(buckets) for buckets, _ in series])
    return arrays


def residuals(made: World) -> list[tuple[Any, Any]]:
    """Per leaf: buckets with data, and their means minus the project's own seasonal baseline (a help to river)."""
    outcome = run(made.series, HOURLY, np.full(len(made.series.scopes), np.inf))
    n, distance = outcome.weight["drop"][:, :, 0], outcome.distance["drop"][:, :, 0]
    cells = range(made.parents, min(made.parents + CELLS, n.shape[1]))
    at = [np.flatnonzero(n[:, cell] > 0) for cell in cells]
    return [(where, -distance[where, cell] / n[where, cell]) for cell, where in zip(cells, at, strict=True)]
