"""`perception doctor`: well when all is there; else names what is wrong and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.settings import KafkaSettings
from jobs.topics import declared
from jobs.warehouse import open_warehouse
from tests.cli.run import run, run_json


def migrated(path: Path) -> str:
    """URL of a migrated embedded store."""
    url = f"chdb://{path}"
    store = open_warehouse(url)
    store.migrate()
    store.close()
    return url


def failures(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [check for check in report["checks"] if check["status"] == "failure"]


def test_all_is_well(broker: KafkaSettings, tmp_path: Path) -> None:
    run("topics", "apply")
    report = run_json("doctor", PERCEPTION_WAREHOUSE__URL=migrated(tmp_path / "store"))
    assert report["healthy"]
    assert {check["area"] for check in report["checks"]} == {"settings", "kafka", "warehouse"}
    findings = " ".join(check["finding"] for check in report["checks"])
    assert f"topic {broker.topic}: 3 partitions" in findings
    assert "ClickHouse 2" in findings


def test_missing_topics_and_another_number_of_partitions(
    broker: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = run_json("doctor", "--only", "kafka", code=1)
    assert {check["action"] for check in failures(report)} == {"Run `perception topics apply`."}
    assert len(failures(report)) == len(declared(broker))
    run("topics", "apply")
    monkeypatch.setenv("PERCEPTION_KAFKA__PARTITIONS", "4")
    text = run("doctor", "--only", "kafka", code=1).output
    assert f"FAIL  kafka: topic {broker.topic} has 3 partitions, declared are 4" in text
    assert "What to do: Set PERCEPTION_KAFKA__PARTITIONS" in text


@pytest.mark.leaves_threads("kafka-python leaves its thread where a client cannot start")
def test_a_broken_part_does_not_hide_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.broker.BOOTSTRAP_TIMEOUT_MS", 300)
    report = run_json(
        "doctor",
        code=1,
        PERCEPTION_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:1",
        PERCEPTION_WAREHOUSE__URL=migrated(tmp_path / "store"),
    )
    assert [check["area"] for check in failures(report)] == ["kafka"]
    assert report["checks"][-1]["finding"] == "tables and views are as declared"


def test_a_store_that_is_not_there_yet_is_no_failure(tmp_path: Path) -> None:
    (check,) = run_json("doctor", "--only", "warehouse", PERCEPTION_WAREHOUSE__URL=f"chdb://{tmp_path}/none")["checks"]
    assert check["status"] == "warning"
    assert "perception replay" in check["action"]
    assert not (tmp_path / "none").exists()


def test_a_changed_table_is_a_failure(tmp_path: Path) -> None:
    url = migrated(tmp_path / "store")
    store = open_warehouse(url)
    store.command("ALTER TABLE journey_rows DROP COLUMN answers")
    store.close()
    report = run_json("doctor", "--only", "warehouse", code=1, PERCEPTION_WAREHOUSE__URL=url)
    assert any("answers" in check["finding"] for check in failures(report))


def test_a_server_that_is_not_there_and_a_wrong_address() -> None:
    for url in ("clickhouse://default:secret@127.0.0.1:1/default", "postgres://host"):
        (check,) = run_json("doctor", "--only", "warehouse", code=1, PERCEPTION_WAREHOUSE__URL=url)["checks"]
        assert check["status"] == "failure"
        assert check["action"]
        assert "secret" not in check["finding"]


def test_settings_that_nothing_reads_are_warned_of() -> None:
    report = run_json(
        "doctor", "--only", "settings", PERCEPTION_KAFAK__TOPIC="x", PERCEPTION_KAFKA__BOOTSTRAP_SERVERS="far:9092"
    )
    warnings = [check["finding"] for check in report["checks"] if check["status"] == "warning"]
    assert any("PERCEPTION_KAFAK__TOPIC" in warning for warning in warnings)
    assert any("one replica" in warning for warning in warnings)


def test_secrets_that_travel_in_the_clear_are_warned_of() -> None:
    report = run_json(
        "doctor",
        "--only",
        "settings",
        PERCEPTION_KAFKA__SECURITY__PASSWORD="secret",
        PERCEPTION_WAREHOUSE__URL="clickhouse://me:secret@far/db",
    )
    warnings = [check["finding"] for check in report["checks"] if check["status"] == "warning"]
    assert any("PLAINTEXT uses none" in warning for warning in warnings)
    assert any("go unencrypted to far" in warning for warning in warnings)
    assert "secret" not in str(report)
