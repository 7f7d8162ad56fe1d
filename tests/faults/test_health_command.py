"""``perception health`` against a watchdog in this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from jobs.stream.health import Watchdog
from jobs.stream.signs import Signs
from tests.cli.run import run
from tests.services.process import free_port


@pytest.fixture
def signs() -> Signs:
    return Signs(hang_after_s=20, stall_after_s=60, beat_at=time.monotonic())


@pytest.fixture
def port(signs: Signs) -> Iterator[str]:
    loop = asyncio.new_event_loop()
    watchdog = Watchdog(signs, "127.0.0.1", 0)
    watchdog.start(loop)
    yield str(watchdog.port)
    watchdog.stop()
    loop.close()


def test_it_says_how_the_worker_is(signs: Signs, port: str) -> None:
    assert run("health", PERCEPTION_WORKER__HEALTH_PORT=port).stdout == "healthy\n"
    signs.restored = True
    assert run("health", "--ready", PERCEPTION_WORKER__HEALTH_PORT=port).stdout == "ready\n"
    signs.restored = False
    assert "being assigned" in run("health", "--ready", code=1, PERCEPTION_WORKER__HEALTH_PORT=port).stderr
    signs.beat_at -= 30
    assert "the event loop has not run" in run("health", code=1, PERCEPTION_WORKER__HEALTH_PORT=port).stderr


def test_a_worker_that_does_not_answer_is_not_well() -> None:
    found = run("health", code=1, PERCEPTION_WORKER__HEALTH_PORT=str(free_port()))
    assert "no worker answers" in found.stderr


def test_a_port_that_is_taken_costs_the_endpoint_only(signs: Signs, port: str) -> None:
    loop = asyncio.new_event_loop()
    second = Watchdog(signs, "127.0.0.1", int(port))
    second.start(loop)
    assert second.port is None
    second.stop()
    loop.close()
