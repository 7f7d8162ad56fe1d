"""Fixtures of the whole suite: real services, a clean environment, and no test that leaves anything behind."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest

from tests.services import decide
from tests.services.kafka import Cluster
from tests.services.leftovers import Census
from tests.services.order import longest_first
from tests.support.laws import register

KEPT = (decide.KAFKA_VARIABLE, decide.CLICKHOUSE_VARIABLE, decide.REQUIRE_VARIABLE)

register()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """One of several processes (`make test`): files that take long go first."""
    if hasattr(config, "workerinput"):
        items[:] = longest_first(items)


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> Iterator[None]:
    """Hide the developer's own PERCEPTION_ settings from the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith("PERCEPTION_") and name not in KEPT:
                patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves threads or processes behind (mark ``leaves_threads`` says why one must)."""
    before = Census.take()
    yield
    if request.node.get_closest_marker("leaves_threads") is None and (found := before.leftovers()):
        pytest.fail("left behind: " + ", ".join(found), pytrace=False)


@pytest.fixture(scope="session")
def kafka() -> Iterator[decide.Kafka]:
    """A real broker shared by the whole run; ``kafka.bootstrap`` is its address. Use unique names on it."""
    with decide.kafka() as service:
        yield service


@pytest.fixture
def kafka_broker() -> Iterator[Cluster]:
    """A broker of the test's own, which it may stop, kill, restart and freeze."""
    with decide.local_cluster(1) as cluster:
        yield cluster


@pytest.fixture
def kafka_cluster() -> Iterator[Cluster]:
    """Three brokers of the test's own."""
    with decide.local_cluster(3) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def clickhouse_url() -> Iterator[str]:
    """URL of a server that speaks the native protocol, shared by the whole run."""
    with decide.clickhouse_server() as service:
        yield service.url


@pytest.fixture
def clickhouse_database(clickhouse_url: str) -> Iterator[str]:
    """URL of an empty database of the test's own on the shared server."""
    from clickhouse_driver import Client

    name = f"test_{uuid.uuid4().hex[:12]}"
    with Client.from_url(clickhouse_url) as client:
        client.execute(f"CREATE DATABASE {name}")
        yield f"{clickhouse_url.rpartition('/')[0]}/{name}"
        client.execute(f"DROP DATABASE {name}")
