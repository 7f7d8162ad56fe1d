"""`perception topics`: creates what is declared, changes configuration, never the number of partitions."""

from __future__ import annotations

import pytest

from jobs.settings import KafkaSettings
from jobs.topics import admin, found
from tests.cli.run import run, run_json


def test_apply_creates_what_is_declared_and_can_be_repeated(broker: KafkaSettings) -> None:
    logs = [broker.topic, broker.rejected_topic]
    names = [*logs, broker.changelog_topic, broker.alerts_topic, broker.notified_topic, broker.silences_topic]
    assert [entry["exists"] for entry in run_json("topics", "list")] == [False] * 6
    assert [one["action"] for one in run_json("topics", "apply", "--dry-run")] == ["created"] * 6
    assert [entry["exists"] for entry in run_json("topics", "list")] == [False] * 6
    assert [one["topic"] for one in run_json("topics", "apply")] == names
    assert [one["action"] for one in run_json("topics", "apply")] == ["unchanged"] * 6
    with admin(broker) as client:
        actual = found(client, names)
    assert [actual[name].partitions for name in names] == [3, 3, 3, 3, 3, 1]
    policies = {name: topic.configs["cleanup.policy"] for name, topic in actual.items()}
    assert policies == {name: "delete" if name in logs else "compact" for name in names}
    assert actual[broker.rejected_topic].configs["retention.ms"] == str(30 * 86_400_000)
    assert all(entry["differences"] == [] for entry in run_json("topics", "list"))


def test_apply_changes_configuration(broker: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    run("topics", "apply")
    monkeypatch.setenv("PERCEPTION_KAFKA__RETENTION_S", "3d")
    assert "retention.ms is 604800000, declared is 259200000" in run("topics", "list").output
    (changed, *unchanged) = run_json("topics", "apply")
    assert changed == {"topic": broker.topic, "action": "changed", "configs": {"retention.ms": "259200000"}}
    assert {one["action"] for one in unchanged} == {"unchanged"}
    assert "declared is" not in run("topics", "list").output


@pytest.mark.parametrize("partitions", ["2", "6"])
def test_apply_refuses_another_number_of_partitions(
    broker: KafkaSettings, monkeypatch: pytest.MonkeyPatch, partitions: str
) -> None:
    run("topics", "apply")
    monkeypatch.setenv("PERCEPTION_KAFKA__PARTITIONS", partitions)
    monkeypatch.setenv("PERCEPTION_KAFKA__REJECTED_TOPIC", f"{broker.rejected_topic}-new")
    result = run("topics", "apply", code=2)
    assert f"{broker.topic} has 3 partitions, declared are {partitions}" in result.stderr
    assert "PERCEPTION_KAFKA__PARTITIONS" in result.stderr
    with admin(broker) as client:
        assert f"{broker.rejected_topic}-new" not in client.list_topics()
