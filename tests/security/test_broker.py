"""A broker that asks who is there: everything works by settings, and nothing works without them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jobs.reach import unreachable
from jobs.settings import load
from tests.cli.run import run, run_json
from tests.security.conftest import PASSWORD, USER, Guarded, security
from tests.services.certificates import Authority
from tests.services.process import free_port
from tests.stream.support import ROOT, Bench

OURS = [sys.executable, "-c", "from jobs.cli import main; main()"]
Way = Callable[[Guarded, Path], dict[str, str]]


def scram(guarded: Guarded, folder: Path, **more: object) -> dict[str, str]:
    """A login over TLS, its password in a file."""
    secret = folder / "password"
    secret.write_text(PASSWORD + "\n")
    given = {"sasl_mechanism": "SCRAM-SHA-512", "username": USER, "password_file": secret}
    return security(guarded.sasl_ssl, "SASL_SSL", **{"cafile": guarded.authority.cert, **given, **more})


def mutual(guarded: Guarded, folder: Path, **more: object) -> dict[str, str]:
    """A client certificate."""
    own = {"certfile": guarded.client.cert, "keyfile": guarded.client.key}
    return security(guarded.mutual, "SSL", cafile=guarded.authority.cert, **{**own, **more})


def events(folder: Path, count: int) -> Path:
    """An archive of events, one of them bad."""
    archive = folder / "events.ndjson"
    event = {"customer_id": "c", "occurred_at": "2024-06-01T10:00:00Z", "type": "call"}
    lines = [json.dumps({**event, "event_id": f"e{number}"}) for number in range(count - 1)]
    archive.write_text("\n".join([*lines, json.dumps({**event, "event_id": 7})]) + "\n")
    return archive


@pytest.mark.parametrize("way", [scram, mutual], ids=lambda way: way.__name__)
def test_every_command_and_the_worker_work_by_settings(
    guarded: Guarded, bench: Bench, tmp_path: Path, way: Way
) -> None:
    bench.environment |= way(guarded, tmp_path) | {"PERCEPTION_WAREHOUSE__URL": f"chdb://{tmp_path / 'store'}"}
    said = [run("topics", "apply", code=0, **bench.environment).output]
    said.append(run("doctor", "--only", "kafka", code=0, **bench.environment).output)
    said.append(run("produce", str(events(tmp_path, 20)), code=0, **bench.environment).output)
    worker = bench.worker(command=[*OURS, "worker"], PERCEPTION_WORKER__REJECTED_SHARE_LIMIT="1")
    bench.finished_to(20)
    worker.send(signal.SIGTERM)
    assert worker.ended() == 0
    assert run_json("dlq", "list", code=0, **bench.environment)["reasons"] == {"wrong_type": 1}
    said.append(run("dlq", "requeue", "--all", code=0, **bench.environment).output)
    assert PASSWORD not in "".join([*said, worker.log.read_text()])


def test_a_plain_login_works_where_it_is_asked_for_by_name(guarded: Guarded) -> None:
    given = {"sasl_mechanism": "PLAIN", "username": USER, "password": PASSWORD, "allow_unencrypted_login": "true"}
    report = run("topics", "list", code=0, **security(guarded.sasl_plaintext, "SASL_PLAINTEXT", **given))
    assert PASSWORD not in report.output


def doctor(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """In a process of its own: kafka-python leaves connections and threads where a client cannot start."""
    asked = [*OURS, "doctor", "--only", "kafka"]
    settings = {**os.environ, **environment}
    return subprocess.run(asked, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=90, check=False)


def test_whoever_is_not_who_they_say_is_refused_and_the_reason_is_named(guarded: Guarded, tmp_path: Path) -> None:
    other, trusted = Authority(tmp_path, "other"), guarded.authority.cert
    unknown_ca = scram(guarded, tmp_path, cafile=other.cert)
    refused = [
        (unknown_ca, "self.signed|local issuer"),
        (security(guarded.misnamed, "SSL", cafile=trusted), "IP address mismatch"),
        (security(guarded.mutual, "SSL", cafile=trusted), "certificate required|bad certificate"),
        (scram(guarded, tmp_path, username="mallory"), "the login of mallory by SCRAM-SHA-512 fails"),
    ]
    with ThreadPoolExecutor(len(refused)) as threads:
        found = list(threads.map(doctor, [environment for environment, _ in refused]))
    for (_, reason), report in zip(refused, found, strict=True):
        assert report.returncode == 1
        assert re.search(reason, report.stdout), (reason, report.stdout)
        assert PASSWORD not in report.stdout + report.stderr


def test_the_reason_why_a_broker_is_out_of_reach_is_found(
    guarded: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = Authority(tmp_path, "other").sign("stranger")
    systems = {name: value for name, value in scram(guarded, tmp_path).items() if "CAFILE" not in name}
    for environment, reason in (
        (systems, "self.signed|local issuer"),
        (mutual(guarded, tmp_path, certfile=stranger.cert, keyfile=stranger.key), "no TLS: .*certificate"),
        (security(guarded.sasl_ssl, "PLAINTEXT"), "does not speak PLAINTEXT"),
        (security(f"127.0.0.1:{free_port()}", "PLAINTEXT"), "Connection refused"),
    ):
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            error = unreachable(load().kafka)
        assert re.search(reason, str(error)), str(error)
        assert error.action


def test_a_worker_that_is_refused_stops_and_says_why(guarded: Guarded, bench: Bench, tmp_path: Path) -> None:
    bench.create_topics()
    wrong = scram(guarded, tmp_path, username="mallory")
    misnamed = security(guarded.misnamed, "SSL", cafile=guarded.authority.cert)
    reasons = {"the login of mallory": wrong, "IP address mismatch": wrong | misnamed}
    workers = [
        bench.worker(command=[*OURS, "worker"], **given, PERCEPTION_WAREHOUSE__URL=f"chdb://{tmp_path / str(number)}")
        for number, given in enumerate(reasons.values())
    ]
    for worker, reason in zip(workers, reasons, strict=True):
        assert worker.ended() == 1
        assert worker.says("The worker stops: Kafka at "), worker.log.read_text()
        assert worker.says(reason), worker.log.read_text()
        assert not worker.says(PASSWORD)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"protocol": "SASL_PLAINTEXT"}, "sends the login unencrypted"),
        ({"protocol": "SASL_PLAINTEXT", "sasl_mechanism": "SCRAM-SHA-512"}, "ALLOW_UNENCRYPTED_LOGIN=true"),
        ({"protocol": "SASL_SSL", "cafile": "/nowhere/ca.pem"}, "there is no file /nowhere/ca.pem"),
        ({"protocol": "SSL", "keyfile": __file__}, "keyfile needs certfile"),
        ({"protocol": "SSL", "certfile": __file__}, "cannot be used"),
    ],
)
def test_what_would_not_be_safe_is_refused_before_anything_is_sent(given: dict[str, str], message: str) -> None:
    login = {"sasl_mechanism": "PLAIN", "username": USER, "password": PASSWORD}
    found = run("topics", "apply", code=2, **security("127.0.0.1:1", **{**login, **given}))
    assert message in found.stderr
    assert PASSWORD not in found.output
