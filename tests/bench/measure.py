"""One measurement: warm up, take the CPU clock, load the events, wait until all are committed, take it again."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.bench.contestants import Running
from tests.bench.meter import PeakMemory, cpu_seconds
from tests.bench.progress import StalledError, changelog_state, wait_committed
from tests.bench.workload import Workload, load

TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run of one contestant used for ``events`` events, start and warm-up apart."""

    events: int
    customers: int
    seconds: float
    cpu_seconds: float
    engine_cpu_seconds: float
    peak_bytes: int
    state_entries: int
    state_bytes: int
    """Values of the changelog, last per key."""
    rows: int | None
    """Raw events in the warehouse afterwards, warm-up included; None without one."""

    @property
    def events_per_cpu_second(self) -> float:
        """The figure of merit: the worker's process tree with its driver, the engine apart."""
        return self.events / self.cpu_seconds

    @property
    def state_bytes_per_customer(self) -> float:
        """What one customer costs to keep and to restore."""
        return self.state_bytes / self.customers


def measure(bootstrap: str, running: Running, warm_up: Workload, workload: Workload, partitions: int) -> Sample:
    """Run ``workload`` through a started contestant; raises StalledError with its log."""
    try:
        return _measure(bootstrap, running, warm_up, workload, partitions)
    except StalledError as error:
        raise StalledError(f"{error}\n{running.worker.tail()}") from error


def _measure(bootstrap: str, running: Running, warm_up: Workload, workload: Workload, partitions: int) -> Sample:
    ends = load(bootstrap, running.topic, warm_up, partitions)
    _wait(bootstrap, running, ends)
    started, cpu, engine = time.perf_counter(), cpu_seconds(running.worker.pid), _engine_seconds(running)
    with PeakMemory(running.worker.pid) as memory:
        sent = load(bootstrap, running.topic, workload, partitions)
        _wait(bootstrap, running, [before + new for before, new in zip(ends, sent, strict=True)])
        used, engine_used = cpu_seconds(running.worker.pid) - cpu, _engine_seconds(running) - engine
    seconds = time.perf_counter() - started
    state = changelog_state(bootstrap, running.changelog)
    return Sample(
        events=len(workload.records),
        customers=len(warm_up.customers | workload.customers),
        seconds=seconds,
        cpu_seconds=used,
        engine_cpu_seconds=engine_used,
        peak_bytes=memory.peak,
        state_entries=state.entries,
        state_bytes=state.value_bytes,
        rows=_rows(running),
    )


def _wait(bootstrap: str, running: Running, ends: list[int]) -> None:
    wait_committed(
        bootstrap, running.group, running.topic, ends, alive=lambda: running.worker.alive, timeout_s=TIMEOUT_S
    )


def _engine_seconds(running: Running) -> float:
    return cpu_seconds(running.engine.pid) if running.engine else 0.0


def _rows(running: Running) -> int | None:
    if running.warehouse is None:
        return None
    from clickhouse_driver import Client

    with Client.from_url(running.warehouse) as client:
        return int(client.execute("SELECT count() FROM events")[0][0])
