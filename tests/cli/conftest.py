"""Commands against a real broker, with topics of the test's own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from jobs.settings import KafkaSettings, load
from tests.services.decide import Kafka


@pytest.fixture
def broker(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> Iterator[KafkaSettings]:
    """Settings, also in the environment, that name a running broker and topics nobody else uses."""
    name = uuid.uuid4().hex[:12]
    given = {
        "BOOTSTRAP_SERVERS": kafka.bootstrap,
        "APPLICATION_ID": f"app-{name}",
        "TOPIC": f"interactions-{name}",
        "REJECTED_TOPIC": f"rejected-{name}",
        "ALERTS_TOPIC": f"alerts-{name}",
        "SILENCES_TOPIC": f"silences-{name}",
        "CELLS_TOPIC": f"cells-{name}",
        "PARTITIONS": "3",
    }
    for variable, value in given.items():
        monkeypatch.setenv(f"PERCEPTION_KAFKA__{variable}", value)
    yield load().kafka
