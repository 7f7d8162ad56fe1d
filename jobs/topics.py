"""The topics of the system as declared, and making a broker's topics so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

from kafka.admin import ConfigResource, KafkaAdminClient

from jobs.broker import broker_errors, client_options
from jobs.errors import TopicError
from jobs.settings import KafkaSettings

APPEND_TIME: Final[Mapping[str, str]] = {"message.timestamp.type": "LogAppendTime"}
PARTITIONS_ACTION: Final = (
    "Set PERCEPTION_KAFKA__PARTITIONS to the topic's number, or choose new topic names "
    "(PERCEPTION_KAFKA__TOPIC=interactions-v2, a new PERCEPTION_KAFKA__APPLICATION_ID), an empty database, and produce "
    "into those."
)

_COMPACTED: Final = {"cleanup.policy": "compact", "message.timestamp.type": "CreateTime"}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as declared."""

    name: str
    partitions: int
    replicas: int
    configs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """A topic as a broker has it; ``configs`` are all that hold, the broker's defaults included."""

    name: str
    partitions: int
    replicas: int
    configs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What applying one declared topic did, or would do: ``created``, ``changed`` or ``unchanged``."""

    topic: str
    action: str
    configs: Mapping[str, str]
    """Values that are set anew."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def declared(kafka: KafkaSettings) -> tuple[Topic, ...]:
    """Interactions, rejected records, the changelog of the state; alerts, who was told, silences; cells and theirs."""
    durable = {"min.insync.replicas": str(max(1, kafka.replication_factor - 1))}
    many = kafka.partitions
    return tuple(
        Topic(name, partitions, kafka.replication_factor, {**durable, **configs})
        for name, partitions, configs in (
            (kafka.topic, many, _kept_for(kafka.retention_s)),
            # A rejected record carries its bytes and its reason: larger than what the topic before let in.
            (kafka.rejected_topic, many, {**_kept_for(kafka.rejected_retention_s), "max.message.bytes": "2097152"}),
            (kafka.changelog_topic, many, _COMPACTED),
            (kafka.alerts_topic, many, _COMPACTED),
            # Detection looks at all cells together: the hierarchy needs them in one partition.
            (kafka.cells_topic, 1, _kept_for(kafka.cells_retention_s)),
            (kafka.detection.changelog_topic, 1, _COMPACTED),
            (kafka.notified_topic, many, _COMPACTED),
            (kafka.silences_topic, 1, _COMPACTED),
        )
    )


def _kept_for(seconds: float) -> dict[str, str]:
    """Times are the broker's: a producer's wrong clock moves no watermark and ages no record before its time."""
    return {"cleanup.policy": "delete", "retention.ms": str(round(seconds * 1_000)), **APPEND_TIME}


@contextmanager
def admin(kafka: KafkaSettings) -> Iterator[KafkaAdminClient]:
    """An admin client that closes; its errors are :class:`jobs.errors.BrokerError`."""
    with broker_errors(kafka):
        client = KafkaAdminClient(**client_options(kafka))
        try:
            yield client
        finally:
            client.close()


def found(client: KafkaAdminClient, names: Sequence[str]) -> dict[str, Found]:
    """Those of the topics that exist, by name."""
    present = sorted(set(names) & set(client.list_topics()))
    if not present:
        return {}
    resources = [ConfigResource("TOPIC", name) for name in present]
    configs = client.describe_configs(resources, config_filter="all")["topic"]
    return {
        topic["name"]: Found(
            topic["name"],
            len(topic["partitions"]),
            len(topic["partitions"][0]["replica_nodes"]),
            {key: str(entry["value"]) for key, entry in configs[topic["name"]].items()},
        )
        for topic in client.describe_topics(present)
    }


def differences(topic: Topic, actual: Found | None) -> list[str]:
    """Each way in which a topic is not as declared, as a sentence; empty if it is."""
    if actual is None:
        return [f"topic {topic.name} does not exist"]
    counts = [
        f"topic {topic.name} has {actual.partitions} partitions, declared are {topic.partitions}"
        for _ in range(actual.partitions != topic.partitions)
    ]
    return counts + [
        f"topic {topic.name}: {key} is {actual.configs.get(key)}, declared is {value}"
        for key, value in _changes(topic, actual).items()
    ]


def _changes(topic: Topic, actual: Found) -> dict[str, str]:
    return {key: value for key, value in topic.configs.items() if actual.configs.get(key) != value}


def apply(client: KafkaAdminClient, topics: Sequence[Topic], *, dry_run: bool = False) -> list[Outcome]:
    """Create missing topics and set declared configs; idempotent.

    Raises :class:`TopicError` before any change if a topic has another number of partitions: keys would move to
    other partitions and the state, which lives beside them, would not.
    """
    existing = found(client, [topic.name for topic in topics])
    for topic in topics:
        actual = existing.get(topic.name)
        if actual and actual.partitions != topic.partitions:
            raise TopicError(differences(topic, actual)[0], action=PARTITIONS_ACTION)
    return [_apply_one(client, topic, existing.get(topic.name), dry_run=dry_run) for topic in topics]


def _apply_one(client: KafkaAdminClient, topic: Topic, actual: Found | None, *, dry_run: bool) -> Outcome:
    if actual is None:
        if not dry_run:
            _create(client, topic)
        return Outcome(topic.name, "created", topic.configs)
    changes = _changes(topic, actual)
    if changes and not dry_run:
        client.alter_configs([ConfigResource("TOPIC", topic.name, changes)])
    return Outcome(topic.name, "changed" if changes else "unchanged", changes)


def _create(client: KafkaAdminClient, topic: Topic) -> None:
    options = {
        "num_partitions": topic.partitions,
        "replication_factor": topic.replicas,
        "configs": dict(topic.configs),
    }
    client.create_topics({topic.name: options}, wait_for_metadata=True)
