"""The notifier on a real broker: at least once whatever is killed when, never twice without need, silences."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jobs.notify.notifier import Notifier
from jobs.notify.receiver import receivers
from jobs.notify.settings import NotifySettings
from jobs.produce import producer
from jobs.settings import KafkaSettings, load
from schemas.alert import AlertTransition
from tests.cli.run import run, run_json
from tests.notify.alerts import SINCE, transition
from tests.notify.http import Heard, receiver

PATIENCE_S = 60.0


@pytest.fixture
def heard() -> Iterator[Heard]:
    with receiver() as one:
        yield one


@pytest.fixture
def topics(broker: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> KafkaSettings:
    monkeypatch.setenv("PERCEPTION_KAFKA__SESSION_TIMEOUT_S", "6")
    run("topics", "apply")
    return load().kafka


def send(kafka: KafkaSettings, *alerts: AlertTransition, partition: int = 0) -> None:
    sender = producer(kafka)
    for alert in alerts:
        sender.send(kafka.alerts_topic, key=alert.key(), value=alert.value(), partition=partition).get(timeout=30)
    sender.close()


def eventually(condition: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def told(heard: Heard) -> list[tuple[str, str]]:
    """Channel and status of every message."""
    alerts = [request.json()["alerts"][0] for request in heard.requests]
    return [(alert["labels"]["channel"], alert["status"]) for alert in alerts]


@contextmanager
def notifying(kafka: KafkaSettings, heard: Heard, **more: Any) -> Iterator[Notifier]:
    settings = NotifySettings(
        webhook_url=heard.url, webhook_key="k", allowed_private_hosts="localhost", first_pause_s=0.1, **more
    )
    notifier = Notifier(kafka, receivers(settings))
    failures: list[BaseException] = []

    def work() -> None:
        try:
            notifier.run()
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield notifier
    finally:
        notifier.stop()
        thread.join()
    assert failures == []


def test_every_alert_is_told_and_a_restart_tells_nothing_again(topics: KafkaSettings, heard: Heard) -> None:
    send(topics, transition("old"), transition("old", sequence=2, state="resolved"), transition("app"))
    with notifying(topics, heard):
        eventually(lambda: told(heard) == [("app", "firing")], "what goes on is told, history is not")
        send(topics, transition("web"), partition=2)
        eventually(lambda: len(heard.requests) == 2, "the second alert")
    with notifying(topics, heard):
        send(topics, transition("app", sequence=2, state="resolved"))
        eventually(lambda: len(heard.requests) == 3, "who was told before is told of the end")
    assert told(heard) == [("app", "firing"), ("web", "firing"), ("app", "resolved")]


def test_a_receiver_that_was_down_hears_of_what_came_and_went(topics: KafkaSettings, heard: Heard) -> None:
    with notifying(topics, heard):
        send(topics, transition("first"))
        eventually(lambda: heard.requests, "it follows")
    send(topics, transition("app"), transition("app", sequence=2, state="resolved"))
    heard.answers = [(503, {}, b"")] * 2
    with notifying(topics, heard):
        eventually(lambda: len(heard.requests) == 4, "tried until it is taken")
    assert told(heard)[1:] == [("app", "resolved")] * 3


def test_a_record_that_is_no_alert_is_passed_over(topics: KafkaSettings, heard: Heard) -> None:
    sender = producer(topics)
    for value in (b"not json", None, b"{}"):
        sender.send(topics.alerts_topic, key=b"x", value=value, partition=0).get(timeout=30)
    sender.close()
    send(topics, transition("app"))
    with notifying(topics, heard):
        eventually(lambda: told(heard) == [("app", "firing")], "the alert after them is told")


def test_a_silence_holds_back_and_its_end_lets_go(topics: KafkaSettings, heard: Heard) -> None:
    added = run_json("alerts", "silence", "add", "channel=app", "--for", "2h", "--reason", "release")
    assert [one["id"] for one in run_json("alerts", "silence", "list")] == [added["id"]]
    with notifying(topics, heard):
        send(topics, transition("app"), transition("web"))
        eventually(lambda: told(heard) == [("web", "firing")], "only what nobody silenced")
    with notifying(topics, heard):
        send(topics, transition("tv"))
        eventually(lambda: len(heard.requests) == 2, "a restart knows what is held back")
        run("alerts", "silence", "end", added["id"])
        eventually(lambda: len(heard.requests) == 3, "told when the silence ends")
    assert told(heard) == [("web", "firing"), ("tv", "firing"), ("app", "firing")]
    assert run_json("alerts", "silence", "list") == []
    assert len(run_json("alerts", "silence", "list", "--all")) == 1
    assert "no silence" in run("alerts", "silence", "end", added["id"], code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["channel=app", "--reason", "x"], "say when the silence ends"),
        (["channel=app", "--reason", " ", "--for", "1h"], "needs a reason"),
        (["colour=red", "--reason", "x", "--for", "1h"], "is no label"),
        (["channel=app", "--reason", "x", "--until", "2001-01-01T00:00:00Z"], "end before it begins"),
    ],
)
def test_a_silence_needs_labels_an_end_and_a_reason(arguments: list[str], message: str) -> None:
    assert message in run("alerts", "silence", "add", *arguments, code=2).stderr


def test_killed_between_delivery_and_commit_it_delivers_again_with_the_same_fingerprint(
    topics: KafkaSettings, heard: Heard
) -> None:
    send(topics, transition("app"))
    heard.hang.clear()
    first = start(heard)
    eventually(lambda: heard.requests or first.poll() is not None, "delivered")
    first.send_signal(signal.SIGKILL)
    first.wait()
    heard.hang.set()
    second = start(heard)
    eventually(lambda: len(heard.requests) == 2 or second.poll() is not None, "delivered again")
    send(topics, transition("web"))
    eventually(lambda: len(heard.requests) == 3 or second.poll() is not None, "and the next one once")
    second.send_signal(signal.SIGTERM)
    assert second.wait(PATIENCE_S) == 0
    assert told(heard) == [("app", "firing"), ("app", "firing"), ("web", "firing")]
    again = [(request.headers["X-Perception-Delivery"], request.body) for request in heard.requests[:2]]
    assert again[0] == again[1]


def start(heard: Heard) -> subprocess.Popen[bytes]:
    """`perception alerts notify` as a process of its own."""
    environment = {
        **os.environ,
        "PERCEPTION_NOTIFY__WEBHOOK_URL": heard.url,
        "PERCEPTION_NOTIFY__WEBHOOK_KEY": "k",
        "PERCEPTION_NOTIFY__ALLOWED_PRIVATE_HOSTS": "localhost",
    }
    return subprocess.Popen([sys.executable, "-m", "jobs.cli", "alerts", "notify"], env=environment)


@pytest.mark.leaves_threads(reason="chDB keeps its threads")
def test_from_an_answer_to_the_receiver(
    topics: KafkaSettings, heard: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker, its alert about a customer on the topic within the flush's transaction, and the webhook."""
    monkeypatch.setenv("PERCEPTION_WAREHOUSE__URL", f"chdb://{tmp_path / 'store'}")
    monkeypatch.setenv("PERCEPTION_WORKER__HEALTH", "false")
    answer = {
        "event_id": "e1",
        "customer_id": "ann",
        "occurred_at": SINCE,
        "type": "answer",
        "scale": "nps",
        "value": 1,
    }
    sender = producer(topics)
    sender.send(topics.topic, key=b"ann", value=json.dumps(answer).encode()).get(timeout=30)
    sender.close()
    worker = subprocess.Popen([sys.executable, "-m", "jobs.cli", "worker", "--loglevel", "warning"])
    try:
        with notifying(topics, heard, detectors="rule", customer_ids=True):
            eventually(lambda: heard.requests or worker.poll() is not None, "the alert is told")
    finally:
        worker.terminate()
        worker.wait(PATIENCE_S)
    (alert,) = heard.requests[0].json()["alerts"]
    assert (alert["labels"]["alertname"], alert["labels"]["kind"]) == ("CustomerRule", "low_nps")
    assert alert["annotations"]["customer_id"] == "ann"
    assert "ann" not in alert["labels"].values()
    url = f"chdb://{tmp_path / 'store'}"
    assert [one["kind"] for one in run_json("alerts", "list", "--customers", "--warehouse", url)] == ["low_nps"]
