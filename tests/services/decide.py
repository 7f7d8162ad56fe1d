"""Which real service a test gets. In this order: environment, Docker, a process of our own; else a loud skip."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

import pytest

from tests.services import clickhouse, docker_engine
from tests.services.kafka import Cluster
from tests.services.kafka.jars import missing_tools

KAFKA_VARIABLE = "PERCEPTION_TEST_KAFKA"
CLICKHOUSE_VARIABLE = "PERCEPTION_TEST_CLICKHOUSE"
REQUIRE_VARIABLE = "PERCEPTION_REQUIRE_SERVICES"


@dataclass(frozen=True, slots=True)
class Kafka:
    """A broker for tests that share it: give topics, groups and application ids unique names."""

    bootstrap: str
    source: str
    """Where it comes from: environment, docker or local."""


@dataclass(frozen=True, slots=True)
class ClickHouse:
    """A server that speaks the native protocol."""

    url: str
    source: str


@contextmanager
def kafka(environment: Mapping[str, str] = os.environ) -> Iterator[Kafka]:
    """The broker of this test run."""
    if given := environment.get(KAFKA_VARIABLE):
        yield Kafka(given, "environment")
    elif not docker_engine.unavailable():
        with docker_engine.kafka_bootstrap() as bootstrap:
            yield Kafka(bootstrap, "docker")
    else:
        with local_cluster(1, environment) as cluster:
            yield Kafka(cluster.bootstrap, "local")


@contextmanager
def local_cluster(nodes: int, environment: Mapping[str, str] = os.environ) -> Iterator[Cluster]:
    """Brokers of our own that a test may stop, kill and freeze; needs Java and Maven."""
    if tools := missing_tools():
        without("Kafka", f"{' and '.join(tools)} not found, {docker_engine.unavailable()}", KAFKA_VARIABLE, environment)
    with Cluster(nodes) as cluster:
        yield cluster


@contextmanager
def clickhouse_server(environment: Mapping[str, str] = os.environ) -> Iterator[ClickHouse]:
    """The ClickHouse of this test run."""
    if given := environment.get(CLICKHOUSE_VARIABLE):
        yield ClickHouse(given, "environment")
    elif not docker_engine.unavailable():
        with docker_engine.clickhouse_url() as url:
            yield ClickHouse(url, "docker")
    elif reason := clickhouse.missing():
        without("ClickHouse", reason, CLICKHOUSE_VARIABLE, environment)
    else:
        with clickhouse.endpoint() as running:
            yield ClickHouse(running.url, "local")


def without(service: str, reason: str, variable: str, environment: Mapping[str, str]) -> NoReturn:
    """Skip the test, loudly; fail it where services are required (CI)."""
    message = f"NO {service.upper()}: {reason}; set {variable} to a running one"
    if environment.get(REQUIRE_VARIABLE, "") not in ("", "0"):
        pytest.fail(f"{message} ({REQUIRE_VARIABLE} is set)", pytrace=False)
    pytest.skip(message)
