"""ClickHouse over TLS: the same warehouse by ``clickhouses://``, and nothing for whoever cannot prove who it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from jobs.settings import load
from jobs.warehouse import open_warehouse
from jobs.warehouse.errors import WarehouseUnavailableError
from jobs.warehouse.url import parse
from schemas.tables import EXPECTATIONS
from tests.cli.run import run, run_json
from tests.security.tls_front import tls_front
from tests.services.certificates import Authority
from tests.warehouse.rows import blank

PASSWORD = "hunter2/of?the#warehouse@home:%41"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def secure(clickhouse_database: str, authority: Authority) -> Iterator[str]:
    """Address of an empty database behind TLS, without a CA file."""
    server = urlsplit(clickhouse_database)
    with tls_front((server.hostname or "", server.port or 0), authority.sign("warehouse")) as port:
        yield f"clickhouses://default@127.0.0.1:{port}{server.path}"


def test_rows_go_to_and_fro_over_tls(secure: str, authority: Authority) -> None:
    with closing(open_warehouse(f"{secure}?cafile={authority.cert}")) as warehouse:
        warehouse.migrate()
        assert warehouse.insert(EXPECTATIONS.name, blank(EXPECTATIONS, 1_000)) == 1_000
        assert warehouse.query(f"SELECT count() FROM {EXPECTATIONS.name}").value() > 0


def test_who_cannot_prove_who_it_is_gets_no_connection(
    secure: str, authority: Authority, clickhouse_database: str, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    for address in (secure, f"{secure}?cafile={stranger.cert}"):
        with (
            closing(open_warehouse(address)) as warehouse,
            pytest.raises(WarehouseUnavailableError, match="verify failed"),
        ):
            warehouse.query("SELECT 1")
    server = urlsplit(clickhouse_database)
    elsewhere = authority.sign("elsewhere", "DNS:elsewhere.example")
    with tls_front((server.hostname or "", server.port or 0), elsewhere) as port:
        refused(f"clickhouses://default@127.0.0.1:{port}/default?cafile={authority.cert}", "mismatch")


def refused(address: str, reason: str) -> None:
    with closing(open_warehouse(address)) as warehouse, pytest.raises(WarehouseUnavailableError, match=reason):
        warehouse.query("SELECT 1")


def test_address_password_and_ca_by_settings(secure: str, authority: Authority, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD + "\n")
    settings = {
        "PERCEPTION_WAREHOUSE__URL": secure,
        "PERCEPTION_WAREHOUSE__PASSWORD_FILE": str(secret),
        "PERCEPTION_WAREHOUSE__CAFILE": str(authority.cert),
    }
    migrated = run("warehouse", "migrate", code=0, **settings)
    report = run_json("doctor", "--only", "warehouse", code=0, **settings)
    assert report["healthy"]
    assert "***" in str(report)
    assert "hunter2" not in migrated.output + str(report)


def test_the_password_of_the_settings_arrives_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD)
    monkeypatch.setenv("PERCEPTION_WAREHOUSE__URL", "clickhouses://me@db/perception?cluster=main")
    monkeypatch.setenv("PERCEPTION_WAREHOUSE__PASSWORD_FILE", str(secret))
    monkeypatch.setenv("PERCEPTION_WAREHOUSE__CAFILE", "/ca/all of them.pem")
    settings = load()
    address = parse(settings.warehouse.url)
    assert (address.user, address.password, address.host) == ("me", PASSWORD, "db")
    assert (address.cafile, address.layout.cluster) == ("/ca/all of them.pem", "main")
    assert "hunter2" not in f"{settings!r}{settings}{address!r}{address.masked}"
