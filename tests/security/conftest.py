"""A broker that asks who is there: TLS with certificates of the tests, logins, client certificates."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.services.certificates import Authority, Certificate, missing
from tests.services.decide import KAFKA_VARIABLE, without
from tests.services.kafka import Cluster
from tests.services.kafka.jars import missing_tools
from tests.services.process import free_port
from tests.stream.support import Bench

USER, PASSWORD = "alice", "hunter2-of-alice"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required"


@dataclass(frozen=True, slots=True)
class Guarded:
    """One broker; ``plaintext`` is for the tests themselves, the other listeners are guarded."""

    plaintext: str
    sasl_ssl: str
    """Login over TLS."""
    mutual: str
    """TLS with client certificates."""
    sasl_plaintext: str
    misnamed: str
    """TLS with a certificate of another host's name."""
    authority: Authority
    client: Certificate


def _settings(ports: dict[str, int], server: Certificate, elsewhere: Certificate, authority: Path) -> dict[str, str]:
    protocols = {"SAFE": "SASL_SSL", "MUTUAL": "SSL", "OPEN": "SASL_PLAINTEXT", "ODD": "SSL"}
    settings = {
        "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items()),
        "advertised.listeners": ",".join(
            f"{name}://127.0.0.1:{port}" for name, port in ports.items() if name != "CONTROLLER"
        ),
        "listener.security.protocol.map": ",".join(f"{name}:{protocols.get(name, 'PLAINTEXT')}" for name in ports),
        "controller.quorum.voters": f"1@127.0.0.1:{ports['CONTROLLER']}",
        "ssl.keystore.type": "PEM",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority),
        "listener.name.mutual.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
    }
    for name, shown in {"safe": server, "mutual": server, "odd": elsewhere}.items():
        settings[f"listener.name.{name}.ssl.keystore.location"] = str(shown.both)
    for name in ("safe", "open"):
        settings[f"listener.name.{name}.scram-sha-512.sasl.jaas.config"] = f"{SCRAM};"
        settings[f"listener.name.{name}.plain.sasl.jaas.config"] = f'{PLAIN} user_{USER}="{PASSWORD}";'
    return settings


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The broker; its listeners and users are the module's own."""
    if tools := [*missing_tools(), *filter(None, [missing()])]:
        without("Kafka", f"{' and '.join(tools)} not found", KAFKA_VARIABLE, os.environ)
    authority = Authority(tmp_path_factory.mktemp("certificates"))
    server, elsewhere = authority.sign("broker"), authority.sign("elsewhere", "DNS:elsewhere.example")
    ports = {name: free_port() for name in ("PLAINTEXT", "SAFE", "MUTUAL", "OPEN", "ODD", "CONTROLLER")}
    at = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    settings = _settings(ports, server, elsewhere, authority.cert)
    with Cluster(1, settings, {USER: PASSWORD}):
        yield Guarded(
            at["PLAINTEXT"], at["SAFE"], at["MUTUAL"], at["OPEN"], at["ODD"], authority, authority.sign("client")
        )


@pytest.fixture
def bench(guarded: Guarded, tmp_path: Path) -> Iterator[Bench]:
    """An application whose topics are made past the guard; its workers and commands get settings of their own."""
    bench = Bench(guarded.plaintext, f"s{uuid.uuid4().hex[:10]}", tmp_path, partitions=2)
    yield bench
    bench.close()


def security(bootstrap: str, protocol: str, **more: Any) -> dict[str, str]:
    """Variables that reach a listener."""
    given = {"PROTOCOL": protocol, **{name.upper(): str(value) for name, value in more.items()}}
    return {
        "PERCEPTION_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
        **{f"PERCEPTION_KAFKA__SECURITY__{name}": value for name, value in given.items()},
    }
