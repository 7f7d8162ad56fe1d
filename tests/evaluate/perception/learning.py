"""The model that the project's own commands make of another simulated operator: simulate, replay, fit."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from jobs.models.reading import read
from jobs.simulate import Scenario, simulate
from jobs.simulate.archive import write
from jobs.simulate.truth import DYNAMICS, Dynamics
from pipeline.model import Model


def learnt(seed: int, *, customers: int = 1_500, days: int = 180, dynamics: Dynamics = DYNAMICS) -> Model:
    """What ``perception fit`` writes after a replay of the world ``seed``, starting from the start model."""
    scenario = Scenario(customers=customers, days=days, seed=seed, incidents=(), dynamics=dynamics)
    with tempfile.TemporaryDirectory() as folder:
        events, store, model = (Path(folder) / name for name in ("events.ndjson.gz", "store", "model.toml"))
        write(simulate(scenario), events)
        _run("replay", str(events), "--warehouse", f"chdb://{store}")
        _run("fit", "--warehouse", f"chdb://{store}", "--out", str(model))
        return read(model)


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "jobs.cli", *arguments], check=True, stdout=subprocess.DEVNULL)
