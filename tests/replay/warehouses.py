"""Replays into embedded stores, and what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jobs.compare import Snapshot, snapshot
from jobs.replay import Plan, Totals, prepare, replay
from jobs.settings import Settings
from jobs.warehouse import Warehouse, open_warehouse
from pipeline.policy import DAY_MS, Policy

NOW_MS = 2_000_000_000_000


def forever() -> Settings:
    """Settings under which no event of the tests is late."""
    return Settings(policy=Policy(lateness_ms=400 * DAY_MS))


@contextmanager
def store(path: Path) -> Iterator[Warehouse]:
    """An embedded store at ``path``, made if it is missing."""
    warehouse = open_warehouse(f"chdb://{path}")
    try:
        yield warehouse
    finally:
        warehouse.close()


def chunks(values: Sequence[bytes], size: int = 1_000) -> Iterator[list[bytes]]:
    """The values in lists of ``size``."""
    return (list(values[start : start + size]) for start in range(0, len(values), size))


def tables(
    path: Path, values: Sequence[bytes], *, plan: Plan | None = None, settings: Settings | None = None
) -> tuple[Totals, Snapshot]:
    """What a replay of the values into a fresh store counts, and the tables it makes."""
    with store(path) as warehouse:
        prepare(warehouse, replace=False)
        totals = replay(chunks(values), warehouse, settings or forever(), plan or Plan(NOW_MS, partitions=4))
        return totals, snapshot(warehouse)
