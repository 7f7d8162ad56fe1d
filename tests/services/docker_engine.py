"""Kafka and ClickHouse as containers, where a Docker engine answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

ENGINE_TIMEOUT_S = 5
KAFKA_IMAGE = "confluentinc/cp-kafka:7.9.0"
CLICKHOUSE_IMAGE = "clickhouse/clickhouse-server:25.8"


@cache
def unavailable() -> str:
    """Why there is no Docker engine here; empty if one answers."""
    from docker.client import DockerClient  # only where it is needed: it takes half a second
    from docker.errors import DockerException

    try:
        client = DockerClient.from_env(timeout=ENGINE_TIMEOUT_S)
        try:
            client.ping()
        finally:
            client.close()
    except DockerException as error:
        return f"no Docker engine answers ({type(error).__name__})"
    return ""


@contextmanager
def kafka_bootstrap() -> Iterator[str]:
    """A one-node KRaft broker in a container."""
    from testcontainers.community.kafka import KafkaContainer

    with KafkaContainer(KAFKA_IMAGE).with_kraft() as container:
        yield str(container.get_bootstrap_server())


@contextmanager
def clickhouse_url() -> Iterator[str]:
    """A ClickHouse server in a container."""
    from testcontainers.community.clickhouse import ClickHouseContainer

    with ClickHouseContainer(CLICKHOUSE_IMAGE) as container:
        host, port = container.get_container_host_ip(), container.get_exposed_port(9000)
        yield f"clickhouse://{container.username}:{container.password}@{host}:{port}/{container.dbname}"
