"""Progress while the demonstration runs: a live line on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from jobs.demo.run import Watcher
from jobs.simulate import Scenario
from jobs.warehouse import Warehouse

_LOOK_EVERY_S = 2.0
_PLAIN_EVERY_S = 5.0


class Glance:
    """The number of interactions, looked up in the warehouse now and then while rows come in."""

    def __init__(self, store: Warehouse) -> None:
        self._store = store
        self._looked = time.perf_counter()
        self._began = self._looked
        self.records = 0
        self.interactions = 0

    def written(self, records: int) -> None:
        """Count, and look again if it is time."""
        self.records += records
        now = time.perf_counter()
        if now - self._looked >= _LOOK_EVERY_S:
            self.interactions = int(self._store.query("SELECT count() FROM interactions").value())
            self._looked = time.perf_counter()

    def text(self) -> str:
        """Rate and interactions so far."""
        rate = self.records / max(time.perf_counter() - self._began, 1e-3)
        return f"{self.records:>7,} events  {rate:>6,.0f}/s  {self.interactions:>6,} interactions"


class _Live:
    """A bar over simulated time."""

    def __init__(self, scenario: Scenario, glance: Glance, bar: Progress) -> None:
        self._scenario = scenario
        self._glance = glance
        self._bar = bar
        self._task = bar.add_task("", total=scenario.end_ms - scenario.start_ms, date="", text="")

    def simulated(self, until_ms: int) -> None:
        until = min(until_ms, self._scenario.end_ms)
        self._bar.update(self._task, completed=until - self._scenario.start_ms, date=_date(until))

    def written(self, records: int) -> None:
        self._glance.written(records)
        self._bar.update(self._task, text=self._glance.text())


class _Plain:
    """A line every few seconds."""

    def __init__(self, scenario: Scenario, glance: Glance, console: Console) -> None:
        self._end_ms = scenario.end_ms
        self._glance = glance
        self._console = console
        self._until_ms = scenario.start_ms
        self._printed = time.perf_counter()

    def simulated(self, until_ms: int) -> None:
        self._until_ms = min(until_ms, self._end_ms)

    def written(self, records: int) -> None:
        self._glance.written(records)
        if time.perf_counter() - self._printed >= _PLAIN_EVERY_S:
            self._printed = time.perf_counter()
            self._console.print(f"  {_date(self._until_ms)}  {self._glance.text()}", highlight=False)


@contextmanager
def watching(scenario: Scenario, store: Warehouse, console: Console) -> Iterator[Watcher]:
    """A watcher that shows progress on ``console``."""
    glance = Glance(store)
    if not console.is_terminal:
        yield _Plain(scenario, glance, console)
        return
    columns = (
        TextColumn("[bold]{task.fields[date]}"),
        BarColumn(bar_width=14),
        TaskProgressColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        yield _Live(scenario, glance, bar)


def _date(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1_000, UTC):%d %b %Y}"
