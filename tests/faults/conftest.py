from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults import rig
from tests.faults.case import Case
from tests.services.decide import KAFKA_VARIABLE, without
from tests.services.kafka.jars import missing_tools
from tests.stream.support import Bench


@pytest.fixture
def bench(kafka: Any, tmp_path: Path) -> Iterator[Bench]:
    """An application of the test's own on the shared broker."""
    bench = Bench(kafka.bootstrap, f"f{uuid.uuid4().hex[:10]}", tmp_path)
    yield bench
    bench.close()


@pytest.fixture(scope="session")
def kafka_behind_proxy() -> Iterator[rig.Kafka]:
    """A broker for faults: its listeners are its own, too."""
    if tools := missing_tools():
        without("Kafka", f"{' and '.join(tools)} not found", KAFKA_VARIABLE, {})
    with rig.kafka() as kafka:
        yield kafka


def broken(case: Case, kafka: rig.Kafka, directory: Path, contender: str) -> rig.Cell:
    """One fault, with its long outages made short."""
    name = f"{contender}-{uuid.uuid4().hex[:10]}"
    return rig.run(case, kafka, contender, directory / name, name=name, seed=1, brief=True)
