"""``python -m tests.faults.memory``: a real worker under what fills memory, and one table of what it took.

Resident memory is the kernel's own high-water mark of the worker process. Every case ends only when all its records
are committed, so what is bounded is also caught up with.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from jobs.warehouse import Warehouse, open_warehouse
from tests.faults import hostile
from tests.faults.proxy import Proxy
from tests.faults.test_health import ask
from tests.services import clickhouse, decide
from tests.stream.support import Bench, Worker, eventually

OURS = [sys.executable, "-c", "from jobs.cli import main; main()"]
PARTITIONS = 4
CAP_MB = 1_024
"""Of a worker with four partitions and the default settings, whatever arrives; customers it remembers come on top,"""
CUSTOMER_BYTES = 2_500
"""each with so much."""
FULL_MB = 384
"""What a worker may use that is to be filled up."""
STEP = 20_000
"""Customers at a time that fill it."""
STAYS_S = 4
PATIENCE_S = 600.0
SETTINGS = {
    "PERCEPTION_WORKER__REJECTED_SHARE_LIMIT": "1",
    "PERCEPTION_WORKER__FLUSH_INTERVAL_S": "1",
    "PERCEPTION_WORKER__FLUSH_RECORDS": "20000",
    "PERCEPTION_WAREHOUSE__SEND_RECEIVE_TIMEOUT_S": "5",
}


@dataclass(frozen=True, slots=True)
class Place:
    """What a case may use and break."""

    bench: Bench
    proxy: Proxy
    worker: Worker
    settings: Mapping[str, str]
    """Of the worker."""
    store: Warehouse

    def taken(self, records: int) -> bool:
        """So many are committed, or no more are taken."""
        return sum(self.bench.committed()) >= records or self.full

    @property
    def full(self) -> bool:
        """The worker takes no more records, and not only until a flush in hand ends."""
        for _ in range(STAYS_S):
            if not any("no more records are taken" in reason for reason in ask(self.worker, "/readyz")[1]):
                return False
            time.sleep(1)
        return True


@dataclass(frozen=True, slots=True)
class Row:
    """What a case took."""

    title: str
    records: int
    rejected: int
    peak_mb: float
    seconds: float
    note: str = ""


Case = Callable[[Place, int], tuple[int, str]]
"""Does its worst, of a size; how many records are to be committed, and what else is to be said."""


def ordinary(place: Place, size: int) -> tuple[int, str]:
    """ordinary events of 10,000 customers"""
    return hostile.send(place.bench, hostile.events(size, customers=10_000)), ""


def hot_key(place: Place, size: int) -> tuple[int, str]:
    """one customer has all events"""
    return hostile.send(place.bench, hostile.events(size // 4, customers=1)), ""


def new_keys(place: Place, size: int) -> tuple[int, str]:
    """every event has a new customer"""
    before = peak_mb(place.worker)
    sent = hostile.send(place.bench, hostile.events(size, customers=size))
    eventually(lambda: sum(place.bench.committed()) >= sent, "all is committed", PATIENCE_S)
    grown = (peak_mb(place.worker) - before) * 1_048_576 / size
    return sent, f"{grown:,.0f} bytes a customer"


def full(place: Place, size: int) -> tuple[int, str]:
    """new customers until the worker may use no more memory; then another worker comes"""
    sent = 0
    while not place.full:
        sent += hostile.send(place.bench, hostile.events(STEP, customers=STEP, first=sent))
        eventually(partial(place.taken, sent), "it takes them, or is full")
    steady_mb = _steady(place.worker)
    taken = sum(place.bench.committed())
    sent += hostile.send(place.bench, hostile.events(STEP, customers=STEP, first=sent))
    steady_mb = max(steady_mb, _steady(place.worker))
    assert ask(place.worker, "/healthz")[0] == 200, "a restart would mend nothing"
    assert sum(place.bench.committed()) == taken < sent, "what it does not take stays in the log"
    place.bench.worker(command=[*OURS, "worker"], **place.settings).wait_ready()
    eventually(lambda: sum(place.bench.committed()) >= sent, "two workers have room for all", PATIENCE_S)
    assert place.store.query("SELECT count(), uniqExact(customer_id) FROM events").rows == [(sent, sent)]
    return sent, f"full at {taken:,}, red, {steady_mb:,.0f} MB; all taken by two"


def warehouse_down(place: Place, size: int) -> tuple[int, str]:
    """warehouse down while all of this arrives"""
    place.proxy.cut()
    sent = hostile.send(place.bench, hostile.events(size, customers=10_000))
    eventually(lambda: ask(place.worker, "/readyz")[0] == 503, "health is red")
    paused = _steady(place.worker)
    place.proxy.mode = "open"
    return sent, f"red, {paused:,.0f} MB while down, then caught up"


def bombs(place: Place, size: int) -> tuple[int, str]:
    """compressed batches of 200 MB each (gzip, lz4, zstd)"""
    return hostile.send_bombs(place.bench.bootstrap, place.bench.topic), ""


def payloads(place: Place, size: int) -> tuple[int, str]:
    """250 KB of nesting, of text, of digits in every record"""
    return hostile.send(place.bench, hostile.payloads(size // 200)), ""


CASES: tuple[Case, ...] = (ordinary, hot_key, new_keys, full, warehouse_down, bombs, payloads)


def _steady(worker: Worker) -> float:
    """Resident memory once it does not grow any more."""
    last, now = -1.0, peak_mb(worker)
    while now > last:
        time.sleep(3)
        last, now = now, peak_mb(worker)
    return now


def peak_mb(worker: Worker) -> float:
    """The kernel's high-water mark of the worker's resident memory."""
    return _status_mb(worker, "VmHWM")


def resident_mb(worker: Worker) -> float:
    """The worker's resident memory now."""
    return _status_mb(worker, "VmRSS")


def _status_mb(worker: Worker, field: str) -> float:
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    found = re.search(rf"{field}:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1_024


def run(case: Case, bootstrap: str, size: int) -> Row:
    """One case with an application, a warehouse and a worker of its own."""
    title = (case.__doc__ or "").strip()
    with tempfile.TemporaryDirectory() as folder, _warehouse() as (store, proxy):
        bench = Bench(bootstrap, f"m{uuid.uuid4().hex[:10]}", Path(folder), PARTITIONS)
        try:
            bench.create_topics()
            address = f"clickhouse://default@127.0.0.1:{proxy.port}/default"
            settings = {**SETTINGS, "PERCEPTION_WAREHOUSE__URL": address}
            if case is full:
                settings["PERCEPTION_WORKER__MEMORY_BYTES"] = str(FULL_MB << 20)
            worker = bench.worker(command=[*OURS, "worker"], **settings)
            worker.wait_ready()
            began = time.monotonic()
            records, note = case(Place(bench, proxy, worker, settings, store), size)
            eventually(lambda: sum(bench.committed()) >= records, "all is committed", PATIENCE_S)
            seconds = time.monotonic() - began
            return Row(title, records, len(bench.read(bench.rejected)), peak_mb(worker), seconds, note)
        finally:
            bench.close()


@contextmanager
def _warehouse() -> Iterator[tuple[Warehouse, Proxy]]:
    """A migrated warehouse, and the way that workers reach it."""
    with clickhouse.endpoint() as endpoint, closing(open_warehouse(endpoint.url)) as store:
        store.migrate()
        with Proxy(("127.0.0.1", urlsplit(endpoint.url).port or 0)) as proxy:
            yield store, proxy


def cap_mb(case: Case, size: int) -> float:
    """What a case may take."""
    customers = size * CUSTOMER_BYTES / (1 << 20) if case is new_keys else 0
    return FULL_MB if case is full else CAP_MB + customers


def rendered(row: Row) -> str:
    """A line of the table."""
    return f"| {row.title} | {row.records:,} | {row.rejected:,} | {row.peak_mb:,.0f} | {row.seconds:.0f} | {row.note} |"


def main() -> int:
    """Run the cases; exit code 1 if one of them took more than the cap."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.memory", description=__doc__)
    names = [case.__name__ for case in CASES]
    parser.add_argument("--only", nargs="+", choices=names, metavar="CASE", help=f"of {', '.join(names)}")
    parser.add_argument("--size", type=int, default=200_000, help="events of a case (default %(default)s)")
    arguments = parser.parse_args()
    print("| What arrives | Records | Rejected | Peak, MB | Seconds | |\n| --- | ---: | ---: | ---: | ---: | --- |")
    over = 0
    with decide.kafka() as kafka:
        for case in CASES:
            if not arguments.only or case.__name__ in arguments.only:
                row = run(case, kafka.bootstrap, arguments.size)
                over += row.peak_mb > cap_mb(case, arguments.size)
                print(rendered(row), flush=True)
    print(f"{over} cases above their cap", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
