"""The application as built, without a broker."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP, Message
from mode.supervisors import CrashingSupervisor

from jobs.sections import SecuritySettings
from jobs.settings import KafkaSettings, Settings, WorkerSettings
from jobs.stream.app import QUEUED_BATCHES, App, build_app, explain
from jobs.stream.connection import credentials
from jobs.stream.errors import StreamError
from jobs.stream.options import faust_settings
from jobs.stream.transport import BatchSchema, Transport
from tests.stream.counting import CountingPipeline

ROOT = Path(__file__).parents[2]


class NoSink:
    def insert(self, table: str, columns: Any) -> int:
        raise AssertionError("nothing to insert")

    def close(self) -> None:
        pass


@pytest.fixture
def app() -> App:
    return build_app(Settings(), CountingPipeline, NoSink)


def test_the_changelog_topic_is_the_declared_one(app: App) -> None:
    assert app.state_table.changelog_topic_name == Settings().kafka.changelog_topic
    assert app.state_table.changelog_topic.partitions == Settings().kafka.partitions
    assert app.state_table.changelog_topic.compacting


def test_the_input_topic_is_without_acks_and_with_a_short_queue(app: App) -> None:
    channel = app.agents["interactions"].channel
    assert not channel.acks
    assert channel.maxsize == QUEUED_BATCHES
    assert isinstance(channel.schema, BatchSchema)
    clone = channel.clone(is_iterator=True)
    assert (clone.acks, clone.maxsize) == (False, QUEUED_BATCHES)


def test_the_transport_is_ours(app: App) -> None:
    assert isinstance(app.transport, Transport)


def test_settings_that_the_guarantees_rest_on(app: App) -> None:
    assert app.conf.agent_supervisor is CrashingSupervisor
    assert app.conf.stream_wait_empty
    assert app.conf.table_standby_replicas == 0
    assert app.conf.consumer_auto_offset_reset == "earliest"
    assert app.conf.processing_guarantee.value == "at_least_once", "exactly once is our own"
    assert app.conf.broker_session_timeout <= app.conf.broker_request_timeout


def test_web_stays_off_whatever_the_command_says(app: App) -> None:
    app.conf.web_enabled = True
    assert not app.boot_strategy._should_enable_web()


def test_web_runs_on_loopback_when_wanted() -> None:
    app = build_app(Settings(worker=WorkerSettings(web=True)), CountingPipeline, NoSink)
    assert app.boot_strategy._should_enable_web()
    assert app.conf.web_bind == "127.0.0.1"
    assert not app.conf.web_tables_enabled


def test_a_batch_passes_the_schema_untouched(app: App) -> None:
    batch = object()
    message = Message("t", 0, 9, 0.0, 0, None, None, batch, None, tp=TP("t", 0))  # type: ignore[arg-type,unused-ignore]
    decode = BatchSchema().compile(app)

    async def value() -> Any:
        return (await decode(message, propagate=True)).value

    assert asyncio.run(value()) is batch


def test_state_table_refuses_single_writes(app: App) -> None:
    with pytest.raises(TypeError, match="flushes only"):
        app.state_table.on_key_set(b"a", b"b")
    with pytest.raises(TypeError, match="flushes only"):
        app.state_table.on_key_del(b"a")


def test_brokers_are_a_list() -> None:
    settings = Settings(kafka=KafkaSettings(bootstrap_servers="a:1, b:2"))
    assert faust_settings(settings)["broker"] == ["kafka://a:1", "kafka://b:2"]


def test_credentials_follow_the_security_settings() -> None:
    assert credentials(SecuritySettings()) is None
    ssl: Any = credentials(SecuritySettings(protocol="SSL"))
    assert ssl.protocol.value == "SSL"
    sasl = SecuritySettings(protocol="SASL_SSL", sasl_mechanism="SCRAM-SHA-512", username="u", password="p")
    found: Any = credentials(sasl)
    assert (found.protocol.value, found.mechanism.value) == ("SASL_SSL", "SCRAM-SHA-512")
    assert (found.username, found.password) == ("u", "p")


def test_an_error_is_explained_with_its_action() -> None:
    assert explain(StreamError("it broke", action="Mend it.")) == "it broke\nWhat to do: Mend it."
    assert explain(ValueError()) == "ValueError"


def test_importing_the_worker_module_does_nothing() -> None:
    code = "import sys, jobs.worker; assert 'app' not in vars(jobs.worker); jobs.worker.app; print('made')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "made", done.stderr
