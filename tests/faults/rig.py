"""Everything that a fault may break, and one run of a fault on one contender."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource

from tests.faults.case import Case
from tests.faults.contenders import Contender, Ours, Stock
from tests.faults.load import Load
from tests.faults.proxy import Proxy
from tests.faults.tables import OursTables, StockTables, Tables
from tests.faults.warehouse import Broken
from tests.services.kafka import Broker, Cluster
from tests.services.process import free_port
from tests.stream.support import Worker, eventually

PATIENCE_S = 90.0
STOP_S = 20.0
RESTART_S = 1.0
KINDS: dict[tuple[str, str], type[Contender]] = {
    ("counts", "ours"): Ours,
    ("counts", "stock"): Stock,
    ("tables", "ours"): OursTables,
    ("tables", "stock"): StockTables,
}


@dataclass(frozen=True, slots=True)
class Kafka:
    """Brokers that can be broken, and the proxy that workers reach a single one by."""

    brokers: list[Broker]
    bootstrap: str
    """Past the proxy."""
    proxy: Proxy
    proxied: bool = True

    @property
    def broker(self) -> Broker:
        """The only one."""
        (broker,) = self.brokers
        return broker

    @property
    def address(self) -> str:
        """As workers see it."""
        return f"127.0.0.1:{self.proxy.port}" if self.proxied else self.bootstrap

    def heal(self) -> None:
        """Whatever a fault has left broken is whole again."""
        self.proxy.mode = "open"
        for broker in self.brokers:
            if not broker.process.alive:
                broker.start()


@contextmanager
def kafka(brokers: int = 1) -> Iterator[Kafka]:
    """One broker with two listeners, a direct one and one announced at the proxy's address; or several without."""
    if brokers > 1:
        with Cluster(brokers) as cluster, Proxy(("127.0.0.1", 1)) as unused:
            yield Kafka(cluster.brokers, cluster.bootstrap, unused, proxied=False)
        return
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
            yield Kafka(cluster.brokers, f"127.0.0.1:{direct}", proxy)


class Rig:
    """One contender under load; a fault breaks it and says when (``strike``).

    Workers that end by themselves with an error are started again, as any orchestrator does.
    """

    def __init__(self, kafka: Kafka, bench: Contender, load: Load, *, brief: bool = False) -> None:
        self.kafka = kafka
        self.bench = bench
        self.load = load
        self.brief = brief
        self.switch = bench.directory / "broken"
        self.struck_at = 0.0
        self._settings: dict[int, dict[str, str]] = {}
        self._forgone: set[int] = set()

    @property
    def ours(self) -> bool:
        """Whether this worker is being broken, or the control."""
        return self.bench.ours

    @property
    def warehouse(self) -> Broken:
        """Of the ``tables`` faults."""
        assert isinstance(self.bench, Tables)
        return self.bench.warehouse

    def worker(self, fault: str = "", **environment: str) -> Worker:
        """A worker; ``fault`` (see worker_main) is on while ``switch`` exists."""
        settings = {"FAULT": f"{fault}:{self.switch}" if fault else "", **environment}
        worker = self.bench.worker(command=None, **settings)
        self._settings[worker.process.pid] = settings
        return worker

    def workers(self, count: int, fault: str = "", **environment: str) -> list[Worker]:
        """Workers that are ready and share the partitions, and the load begun."""
        started = [self.worker(fault, **environment) for _ in range(count)]
        for worker in started:
            worker.wait_ready()
        self.load.start()
        return started

    def tend(self) -> None:
        """Start again what has ended by itself with an error."""
        for worker in list(self.bench.workers):
            process = worker.process
            if process.pid not in self._forgone and (process.poll() or 0) > 0:
                self._forgone.add(process.pid)
                time.sleep(RESTART_S)
                self.worker(**self._settings.get(process.pid, {}))

    def wait(self, seconds: float) -> None:
        """Let the fault last, and tend the workers meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.tend()
            time.sleep(0.2)

    def strike(self) -> None:
        """From here on recovery is timed."""
        self.struck_at = time.monotonic()

    def broken_for(self, seconds: float) -> None:
        """Turn the fault of the workers on, and off again."""
        self.strike()
        self.switch.touch()
        self.wait(seconds)
        self.switch.unlink()

    def seconds(self, full: float, brief: float) -> float:
        """How long something lasts: in the whole matrix, and in the selection of `make test`."""
        return brief if self.brief else full

    def settled(self) -> None:
        """Everything sent so far is committed (the load pauses meanwhile), and all workers have stopped in order."""
        self.load.pause()
        try:
            eventually(lambda: sum(self.bench.committed()) >= self.load.sent, "all committed", 30.0)
        except AssertionError:
            if self.ours:
                raise
        self._forgone |= {worker.process.pid for worker in self.bench.workers}
        stopped(self.bench.workers)

    def refused(self, message: str, **environment: str) -> None:
        """A worker stops by itself and says why and what to do; the control may do what it wants to, for as long."""
        worker = self.worker(**environment)
        self._forgone.add(worker.process.pid)
        self.refuses(worker, message)

    def refuses(self, worker: Worker, message: str, patience_s: float = 40.0) -> None:
        """As :meth:`refused`, of a worker that runs."""
        self._forgone.add(worker.process.pid)
        if not self.ours:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.ended(10)
            worker.end()
            return
        code = worker.ended(patience_s)
        told = worker.log.read_text(errors="replace").partition("The worker stops: ")[2]
        assert code > 0, f"exit code {code}"
        assert message in told, told[-500:] or "it said nothing"
        assert "What to do:" in told, told

    def configure(self, topic: str, **configs: str) -> None:
        """Set configuration of a topic (dots are underscores)."""
        wanted = {name.replace("_", "."): value for name, value in configs.items()}
        admin = KafkaAdminClient(bootstrap_servers=self.bench.bootstrap)
        try:
            admin.alter_configs([ConfigResource("TOPIC", topic, wanted)])
        finally:
            admin.close()


@dataclass(frozen=True, slots=True)
class Cell:
    """What a fault did to a contender; ``seconds`` until every record was counted at least once, None = never."""

    lost: int
    doubled: int
    seconds: float | None
    uncommitted: int = 0
    """Partitions whose committed offset is not the end of the log."""
    says: str = ""

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing doubled, all committed, and it went on."""
        return self.lost == self.doubled == self.uncommitted == 0 and self.seconds is not None


def run(case: Case, kafka: Kafka, contender: str, directory: Path, *, name: str, seed: int, brief: bool) -> Cell:
    """Break a contender under load, wait until all is committed, stop it, and compare what it made."""
    directory.mkdir(parents=True)
    bench = KINDS[case.subject, contender](kafka.bootstrap, name, directory, case, address=kafka.address, seed=seed)
    load = Load(kafka.bootstrap, bench.topic, bench.records, case.per_second or bench.per_second)
    rig = Rig(kafka, bench, load, brief=brief)
    try:
        bench.open()
        case.run(rig)
        load.finish()
        seconds = _recovered(rig)
        stopped(bench.workers)
        loss = bench.judged()
        return Cell(loss.lost, loss.doubled, seconds, _uncommitted(bench), loss.says)
    finally:
        kafka.heal()
        load.stop()
        bench.close()


def _uncommitted(bench: Contender) -> int:
    ends = bench.ends()
    return sum(end != committed for end, committed in zip(ends, bench.committed(), strict=True))


def _recovered(rig: Rig) -> float | None:
    """Seconds from the strike until everything that was sent is counted at least once."""
    bench, seconds = rig.bench, None
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        rig.tend()
        if seconds is None and bench.complete():
            seconds = time.monotonic() - rig.struck_at
            end = min(end, time.monotonic() + bench.settle_s)
        if bench.lag() == 0:
            now = time.monotonic() - rig.struck_at
            return seconds or (now if bench.complete() else None)
        time.sleep(0.3)
    return None if bench.ours else seconds


def stopped(workers: list[Worker]) -> None:
    """In order, so that nothing in hand is counted as lost."""
    alive = [worker for worker in workers if worker.process.poll() is None]
    for worker in alive:
        worker.send(signal.SIGCONT)
        worker.send(signal.SIGTERM)
    for worker in alive:
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.ended(STOP_S)
