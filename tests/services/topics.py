"""Topics for tests, made with the broker's own admin protocol."""

from __future__ import annotations

from collections.abc import Mapping

from kafka.admin import KafkaAdminClient, NewTopic


def create_topic(
    bootstrap: str,
    name: str,
    *,
    partitions: int,
    replicas: int = 1,
    configuration: Mapping[str, str] | None = None,
) -> None:
    """Create one topic; raises if it exists."""
    client = KafkaAdminClient(bootstrap_servers=bootstrap.split(","))
    try:
        client.create_topics([NewTopic(name, partitions, replicas, topic_configs=dict(configuration or {}))])
    finally:
        client.close()
