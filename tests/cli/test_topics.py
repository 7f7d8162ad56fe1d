"""`perception topics`: creates what is declared, changes configuration, never the number of partitions."""

from __future__ import annotations

import pytest

from jobs.settings import KafkaSettings
from jobs.topics import admin, declared, found
from tests.cli.run import run, run_json


def test_apply_creates_what_is_declared_and_can_be_repeated(broker: KafkaSettings) -> None:
    names = [topic.name for topic in declared(broker)]
    count = len(names)
    assert [entry["exists"] for entry in run_json("topics", "list")] == [False] * count
    assert [one["action"] for one in run_json("topics", "apply", "--dry-run")] == ["created"] * count
    assert [entry["exists"] for entry in run_json("topics", "list")] == [False] * count
    assert [one["topic"] for one in run_json("topics", "apply")] == names
    assert [one["action"] for one in run_json("topics", "apply")] == ["unchanged"] * count
    with admin(broker) as client:
        actual = found(client, names)
    single = {broker.cells_topic, broker.detection.changelog_topic, broker.silences_topic}
    assert {name: topic.partitions for name, topic in actual.items() if name in single} == dict.fromkeys(single, 1)
    assert {
        actual[name].partitions
        for name in (broker.topic, broker.changelog_topic, broker.alerts_topic, broker.notified_topic)
    } == {3}
    kept = {name for name, topic in actual.items() if topic.configs["cleanup.policy"] == "delete"}
    assert kept == {broker.topic, broker.rejected_topic, broker.cells_topic}
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
