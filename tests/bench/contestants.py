"""Who is measured: how each is started, under which consumer group, and where its state lies."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import plain_variables
from tests.services import clickhouse
from tests.services.process import Process, ServiceError
from tests.services.topics import create_topic

ROOT = Path(__file__).parents[2]
FOREVER = {"retention.ms": "-1"}
"""Simulated time is not this machine's: the broker must not expire it."""
PERCEPTION = ("-c", "from jobs.cli import main; main()")
"""The console script, whether or not the project is installed."""


@dataclass(frozen=True, slots=True)
class Running:
    """A started contestant; ``engine`` is the process behind its warehouse, if it has one."""

    worker: Process
    topic: str
    group: str
    changelog: str
    engine: Process | None = None
    warehouse: str | None = None


@contextmanager
def plain(bootstrap: str, partitions: int, scratch: Path) -> Iterator[Running]:
    """The plain per-event Faust agent."""
    name = f"bench-plain-{uuid.uuid4().hex[:8]}"
    create_topic(bootstrap, name, partitions=partitions, configuration=FOREVER)
    environment = {
        plain_variables.BROKER: bootstrap,
        plain_variables.APPLICATION: name,
        plain_variables.TOPIC: name,
        plain_variables.PARTITIONS: str(partitions),
    }
    command = ["-m", "faust", "-A", "tests.bench.plain_agent", "worker", "-l", "warn", "--without-web"]
    with _started(name, command, environment, scratch) as process:
        yield Running(process, topic=name, group=name, changelog=f"{name}-counts-changelog")


@contextmanager
def perception(bootstrap: str, partitions: int, scratch: Path) -> Iterator[Running]:
    """This worker with all its stages, writing through the driver into a ClickHouse of its own."""
    name = f"bench-perception-{uuid.uuid4().hex[:8]}"
    with clickhouse.endpoint() as engine:
        environment = {
            "PERCEPTION_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
            "PERCEPTION_KAFKA__APPLICATION_ID": name,
            "PERCEPTION_KAFKA__TOPIC": name,
            "PERCEPTION_KAFKA__REJECTED_TOPIC": f"{name}-rejected",
            "PERCEPTION_KAFKA__PARTITIONS": str(partitions),
            "PERCEPTION_WAREHOUSE__URL": engine.url,
        }
        create_topic(bootstrap, name, partitions=partitions, configuration=FOREVER)
        _run(["topics", "apply"], environment | {"PERCEPTION_KAFKA__RETENTION_S": str(10 * 365 * 86_400)})
        _run(["warehouse", "migrate"], environment)
        with _started(name, [*PERCEPTION, "worker"], environment, scratch) as process:
            changelog = f"{name}-state-v1-changelog"
            yield Running(process, name, name, changelog, engine=engine.process, warehouse=engine.url)


def _run(arguments: list[str], environment: Mapping[str, str]) -> None:
    command = [sys.executable, *PERCEPTION, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        raise ServiceError(f"perception {' '.join(arguments)}:\n{(done.stdout + done.stderr)[-2000:]}")


@contextmanager
def _started(name: str, arguments: list[str], environment: Mapping[str, str], scratch: Path) -> Iterator[Process]:
    directory = scratch / name
    directory.mkdir()
    process = Process(
        [sys.executable, *arguments],
        log=scratch / f"{name}.log",
        cwd=directory,
        environment={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    process.start()
    try:
        yield process
    finally:
        if process.alive:
            process.stop()
