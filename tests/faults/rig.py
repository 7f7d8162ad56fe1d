"""Everything that a fault may break, and one run of a fault on one contender."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.contenders import Ours, Stock
from tests.faults.load import Load, expected, plan
from tests.faults.proxy import Proxy
from tests.services.kafka import Broker, Cluster
from tests.services.process import free_port
from tests.stream.support import Worker

RECORDS = 6_000
PER_SECOND = 900
PATIENCE_S = 60.0
STOP_S = 20.0


@dataclass(frozen=True, slots=True)
class Kafka:
    """A broker that can be broken, and the proxy that workers reach it by."""

    broker: Broker
    bootstrap: str
    """Past the proxy."""
    proxy: Proxy

    @property
    def address(self) -> str:
        """Through the proxy."""
        return f"127.0.0.1:{self.proxy.port}"


@contextmanager
def kafka() -> Iterator[Kafka]:
    """One broker with two listeners: a direct one, and one that is announced at the proxy's address."""
    direct, proxied, front, controller = (free_port() for _ in range(4))
    with Proxy(("127.0.0.1", proxied), port=front, slow_produce=True) as proxy:
        settings = {
            "listeners": ",".join(
                f"{name}://127.0.0.1:{port}"
                for name, port in (("PLAINTEXT", direct), ("PROXIED", proxied), ("CONTROLLER", controller))
            ),
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{direct},PROXIED://127.0.0.1:{front}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        }
        with Cluster(1, settings) as cluster:
            yield Kafka(cluster.brokers[0], f"127.0.0.1:{direct}", proxy)


class Rig:
    """One contender under load; a fault breaks it and says when (``strike``)."""

    def __init__(self, kafka: Kafka, bench: Ours | Stock, load: Load) -> None:
        self.kafka = kafka
        self.bench = bench
        self.load = load
        self.switch = bench.directory / "broken"
        self.struck_at = 0.0

    def worker(self, fault: str = "") -> Worker:
        """A worker; ``fault`` (see worker_main) is on while ``switch`` exists."""
        return self.bench.worker(FAULT=f"{fault}:{self.switch}" if fault else "")

    def workers(self, count: int, fault: str = "") -> list[Worker]:
        """Workers that are ready and share the partitions, and the load begun."""
        started = [self.worker(fault) for _ in range(count)]
        for worker in started:
            worker.wait_ready()
        self.load.start()
        return started

    def strike(self) -> None:
        """From here on recovery is timed."""
        self.struck_at = time.monotonic()

    def broken_for(self, seconds: float) -> None:
        """Turn the fault of the workers on, and off again."""
        self.strike()
        self.switch.touch()
        time.sleep(seconds)
        self.switch.unlink()


Fault = Callable[[Rig], None]


@dataclass(frozen=True, slots=True)
class Cell:
    """What a fault did to a contender; ``seconds`` until every record was counted at least once, None = never."""

    lost: int
    doubled: int
    seconds: float | None

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing doubled, and it went on."""
        return self.lost == self.doubled == 0 and self.seconds is not None


def run(fault: Fault, kafka: Kafka, kind: type[Ours | Stock], directory: Path, *, name: str, seed: int) -> Cell:
    """Break a contender under load, wait until all is committed, stop it, and compare what it counted."""
    directory.mkdir(parents=True)
    keys = plan(RECORDS, seed)
    bench = kind(kafka.bootstrap, name, directory, address=kafka.address)
    load = Load(kafka.bootstrap, bench.topic, keys, PER_SECOND)
    rig = Rig(kafka, bench, load)
    try:
        bench.create_topics()
        fault(rig)
        load.finish()
        seconds = _recovered(rig, expected(keys))
        _stopped(bench.workers)
        return judged(bench, keys, seconds)
    finally:
        kafka.proxy.mode = "open"
        load.stop()
        bench.close()


def _recovered(rig: Rig, wanted: Counter[str]) -> float | None:
    """Seconds from the strike until everything that was sent is counted at least once."""
    bench, seconds = rig.bench, None
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if seconds is None and not wanted - bench.counted():
            seconds = time.monotonic() - rig.struck_at
            end = min(end, time.monotonic() + bench.settle_s)
        if bench.lag() == 0:
            now = time.monotonic() - rig.struck_at
            return seconds or (None if wanted - bench.counted() else now)
        time.sleep(0.3)
    return seconds if isinstance(bench, Stock) else None


def _stopped(workers: list[Worker]) -> None:
    """In order, so that nothing in hand is counted as lost."""
    alive = [worker for worker in workers if worker.process.poll() is None]
    for worker in alive:
        worker.send(signal.SIGCONT)
        worker.send(signal.SIGTERM)
    for worker in alive:
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.ended(STOP_S)


def judged(bench: Ours | Stock, keys: list[str], seconds: float | None) -> Cell:
    """State and rows against the plan; the worse of the two counts."""
    wanted = expected(keys)
    logged = Counter(record.key.decode() for record in bench.read(bench.topic))
    assert logged == wanted, "the load itself was not exact: the run says nothing"
    found = (bench.state(), bench.counted())
    missing_raw = max(wanted.total() - len(bench.rows("raw")), 0)
    lost = max(*((wanted - counts).total() for counts in found), missing_raw)
    return Cell(lost, max((counts - wanted).total() for counts in found), seconds)
