"""The order of services, the loud skip, the failure where services are required, and the census of leftovers."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.services import decide
from tests.services.leftovers import Census
from tests.services.process import Process, ServiceError, free_port, listens


def test_an_address_in_the_environment_comes_first() -> None:
    environment = {decide.KAFKA_VARIABLE: "there:9092", decide.CLICKHOUSE_VARIABLE: "clickhouse://there:9000/db"}
    with decide.kafka(environment) as kafka, decide.clickhouse_server(environment) as clickhouse:
        assert (kafka.bootstrap, kafka.source) == ("there:9092", "environment")
        assert (clickhouse.url, clickhouse.source) == ("clickhouse://there:9000/db", "environment")


@pytest.mark.parametrize("value", ["", "0"])
def test_a_missing_service_is_a_loud_skip(value: str) -> None:
    with pytest.raises(pytest.skip.Exception, match="NO KAFKA: no reason; set PERCEPTION_TEST_KAFKA"):
        decide.without("Kafka", "no reason", decide.KAFKA_VARIABLE, {decide.REQUIRE_VARIABLE: value})


def test_a_missing_service_is_a_failure_where_it_is_required() -> None:
    with pytest.raises(pytest.fail.Exception, match="NO KAFKA"):
        decide.without("Kafka", "no reason", decide.KAFKA_VARIABLE, {decide.REQUIRE_VARIABLE: "1"})


def test_a_local_broker_needs_java_and_maven(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match="java and mvn not found"), decide.local_cluster(1, {}):
        pytest.fail("started a broker without Java")


def test_the_census_finds_a_thread_and_a_process() -> None:
    before, ended = Census.take(), threading.Event()
    thread = threading.Thread(target=ended.wait, name="forgotten")
    thread.start()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        found = " ".join(before.leftovers(grace_s=0.0))
        assert "thread forgotten" in found
        assert f"process {child.pid}" in found
    finally:
        ended.set()
        thread.join()
        child.communicate(b"\n")
    assert before.leftovers() == []


def test_a_process_that_ends_early_shows_its_last_words(tmp_path: Path) -> None:
    process = Process([sys.executable, "-c", "print('no licence'); raise SystemExit(3)"], log=tmp_path / "log")
    process.start()
    with pytest.raises(ServiceError, match="no licence"):
        process.wait_ready(lambda: False, timeout_s=20)


def test_a_frozen_process_can_be_stopped(tmp_path: Path) -> None:
    port = free_port()
    server = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"
    process = Process([sys.executable, "-c", server], log=tmp_path / "log")
    process.start()
    process.wait_ready(lambda: listens(port), timeout_s=20)
    process.pause()
    assert process.alive
    assert process.stop() != 0
    assert not listens(port)
