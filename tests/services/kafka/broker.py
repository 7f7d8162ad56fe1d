"""Real Kafka brokers (KRaft) as child processes on loopback, for use and for abuse by fault tests."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.services.kafka.jars import classpath
from tests.services.process import Process, ServiceError, free_port

READY_LINE = "Kafka Server started"
START_TIMEOUT_S = 90
JVM = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=info")
BRIEF = ("-XX:TieredStopAtLevel=1",)
"""A broker under pytest ends before the second compiler has paid for itself; one of a benchmark does not."""


class Broker:
    """One node of a cluster: broker and controller in one process. Its port and data survive a restart."""

    def __init__(self, node: int, directory: Path, listener_port: int, settings: Mapping[str, str]) -> None:
        self.node = node
        self.bootstrap = f"127.0.0.1:{listener_port}"
        directory.mkdir(parents=True)
        self._properties = directory / "server.properties"
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        self.process = Process(
            [*_java(), "kafka.Kafka", str(self._properties)], log=directory / "server.log", cwd=directory
        )

    def format(self, cluster_id: str, users: Mapping[str, str] | None = None) -> None:
        """Prepare the empty data directory, as every KRaft node needs once; ``users`` may log in with SCRAM."""
        command = [
            *_java(),
            "kafka.tools.StorageTool",
            "format",
            f"--cluster-id={cluster_id}",
            "-c",
            str(self._properties),
            *(
                f"--add-scram=SCRAM-SHA-512=[name={name},password={password}]"
                for name, password in (users or {}).items()
            ),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise ServiceError(f"cannot format the data of broker {self.node}:\n{(done.stdout + done.stderr)[-2000:]}")

    def start(self, *, wait: bool = True) -> None:
        """Start the node; with ``wait`` return only when it serves."""
        self.process.start()
        if wait:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until the node serves clients (in a cluster: until it has found a quorum)."""
        self.process.wait_ready(lambda: READY_LINE in self.process.output(), START_TIMEOUT_S)

    def stop(self) -> None:
        """Shut down in order: leaders move, segments are closed."""
        self.process.stop()

    def kill(self) -> None:
        """Lose the process at once, as by a power cut."""
        self.process.kill()

    def restart(self, *, graceful: bool = True) -> None:
        """Stop (or kill) the node if it runs and start it on the same port and data."""
        if self.process.alive:
            (self.stop if graceful else self.kill)()
        self.start()

    def pause(self) -> None:
        """Freeze the node: connections stay open, nothing is answered."""
        self.process.pause()

    def resume(self) -> None:
        """Thaw the node."""
        self.process.resume()


class Cluster:
    """One or more brokers with their own temporary data; a context manager that leaves nothing behind."""

    def __init__(
        self, nodes: int = 1, settings: Mapping[str, str] | None = None, users: Mapping[str, str] | None = None
    ) -> None:
        self._users = users
        self.directory = Path(tempfile.mkdtemp(prefix="perception-kafka-"))
        ports = [(free_port(), free_port()) for _ in range(nodes)]
        self.brokers = [
            Broker(
                node,
                self.directory / f"node-{node}",
                listener,
                _properties(node, ports, self.directory / f"data-{node}") | dict(settings or {}),
            )
            for node, (listener, _) in enumerate(ports, start=1)
        ]

    @property
    def bootstrap(self) -> str:
        """Addresses of all nodes, comma-separated."""
        return ",".join(broker.bootstrap for broker in self.brokers)

    def start(self) -> None:
        """Format and start all nodes at the same time and wait until all serve."""
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        for broker in self.brokers:
            broker.format(cluster_id, self._users)
        for broker in self.brokers:
            broker.start(wait=False)
        for broker in self.brokers:
            broker.wait_ready()

    def close(self) -> None:
        """End all nodes at once and remove their data."""
        for broker in self.brokers:
            if broker.process.alive:
                broker.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _java() -> list[str]:
    return ["java", *JVM, *(BRIEF if "PYTEST_VERSION" in os.environ else ()), "-cp", classpath()]


def _properties(node: int, ports: list[tuple[int, int]], data: Path) -> dict[str, str]:
    """``server.properties`` of one node: loopback only, small, no wait before a group's first rebalance."""
    listener, controller = ports[node - 1]
    voters = ",".join(f"{number}@127.0.0.1:{port}" for number, (_, port) in enumerate(ports, start=1))
    replicas = str(min(3, len(ports)))
    in_sync = str(min(2, len(ports)))
    return {
        "process.roles": "broker,controller",
        "node.id": str(node),
        "controller.quorum.voters": voters,
        "listeners": f"PLAINTEXT://127.0.0.1:{listener},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{listener}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        "group.initial.rebalance.delay.ms": "0",
        # Tests see a lost member quickly; clients ask for the time-out they want.
        "group.min.session.timeout.ms": "1000",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    }
