"""Medians over rounds, as a dictionary for ``--json`` and as a table for people."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.measure import Sample

FLOOR = 15.0
"""Times the plain agent's events per CPU second that the worker must reach at least."""


def summary(samples: Mapping[str, Sequence[Sample]], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that was measured, and the medians."""
    medians = {name: _medians(rounds) for name, rounds in samples.items()}
    rate = {name: values["events_per_cpu_second"] for name, values in medians.items()}
    return {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()},
        "settings": dict(settings),
        "medians": medians,
        "rounds": {name: [asdict(sample) for sample in rounds] for name, rounds in samples.items()},
        "ratio": rate["perception"] / rate["plain"],
        "floor": FLOOR,
    }


def _medians(rounds: Sequence[Sample]) -> dict[str, float]:
    def median(value: Callable[[Sample], float]) -> float:
        return statistics.median(value(sample) for sample in rounds)

    return {
        "events_per_cpu_second": median(lambda sample: sample.events_per_cpu_second),
        "cpu_us_per_event": median(lambda sample: 1e6 / sample.events_per_cpu_second),
        "engine_cpu_us_per_event": median(lambda sample: 1e6 * sample.engine_cpu_seconds / sample.events),
        "events_per_second": median(lambda sample: sample.events / sample.seconds),
        "peak_mib": median(lambda sample: sample.peak_bytes / 2**20),
        "state_bytes_per_customer": median(lambda sample: sample.state_bytes_per_customer),
        "state_entries_per_customer": median(lambda sample: sample.state_entries / sample.customers),
    }


LABELS = {
    "events_per_cpu_second": "events per CPU second",
    "cpu_us_per_event": "CPU µs per event",
    "engine_cpu_us_per_event": "engine CPU µs per event (apart)",
    "events_per_second": "events per second",
    "peak_mib": "peak memory, MiB",
    "state_bytes_per_customer": "state bytes per customer",
    "state_entries_per_customer": "state entries per customer",
}


def show(result: Mapping[str, Any]) -> None:
    """Print the medians."""
    table = Table(title="Medians", title_justify="left")
    table.add_column("")
    for name in result["medians"]:
        table.add_column(name, justify="right")
    for key, label in LABELS.items():
        table.add_row(label, *(f"{values[key]:,.1f}" for values in result["medians"].values()))
    console = Console()
    console.print(table)
    verdict = "at least" if result["ratio"] >= FLOOR else "NOT"
    console.print(f"ratio per CPU second: {result['ratio']:.1f} ({verdict} the floor of {FLOOR:.0f})")
