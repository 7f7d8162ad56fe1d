"""The broker of the tests is real: records survive a kill, a frozen broker is silent, nothing is left behind."""

from __future__ import annotations

import uuid

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaTimeoutError

from tests.services.decide import Kafka
from tests.services.kafka import Cluster
from tests.services.topics import create_topic


def produce(bootstrap: str, topic: str, values: list[bytes], *, timeout_s: float = 30) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap.split(","), acks="all")
    try:
        for future in [producer.send(topic, value) for value in values]:
            future.get(timeout=timeout_s)
    finally:
        producer.close(timeout=5)


def consume(bootstrap: str, topic: str, count: int, *, timeout_s: float = 30) -> list[bytes]:
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap.split(","),
        auto_offset_reset="earliest",
        consumer_timeout_ms=int(timeout_s * 1000),
    )
    values: list[bytes] = []
    try:
        for record in consumer:
            values.append(record.value)
            if len(values) == count:
                break
    finally:
        consumer.close()
    return values


def test_records_go_round(kafka: Kafka) -> None:
    topic = f"round-{uuid.uuid4().hex}"
    create_topic(kafka.bootstrap, topic, partitions=1)
    produce(kafka.bootstrap, topic, [b"one", b"two"])
    assert consume(kafka.bootstrap, topic, 2) == [b"one", b"two"]


def test_a_killed_broker_keeps_what_it_acknowledged_and_a_frozen_one_is_silent(kafka_broker: Cluster) -> None:
    broker = kafka_broker.brokers[0]
    create_topic(kafka_broker.bootstrap, "kept", partitions=1)
    produce(kafka_broker.bootstrap, "kept", [b"before"])
    broker.restart(graceful=False)
    assert consume(kafka_broker.bootstrap, "kept", 1) == [b"before"]
    producer = KafkaProducer(bootstrap_servers=kafka_broker.bootstrap, acks="all")
    producer.send("kept", b"warm").get(timeout=30)
    broker.pause()
    future = producer.send("kept", b"after")
    with pytest.raises(KafkaTimeoutError):
        future.get(timeout=1)
    broker.resume()
    future.get(timeout=60)
    producer.close()
    assert consume(kafka_broker.bootstrap, "kept", 3) == [b"before", b"warm", b"after"]


def test_a_closed_cluster_leaves_no_process_and_no_data() -> None:
    cluster = Cluster()
    with cluster:
        child = psutil.Process(cluster.brokers[0].process.pid)
        assert any(cluster.directory.iterdir())
    assert not child.is_running()
    assert not cluster.directory.exists()


def test_a_cluster_of_three_survives_the_loss_of_one(kafka_cluster: Cluster) -> None:
    create_topic(kafka_cluster.bootstrap, "replicated", partitions=3, replicas=3)
    kafka_cluster.brokers[2].kill()
    survivors = ",".join(broker.bootstrap for broker in kafka_cluster.brokers[:2])
    produce(survivors, "replicated", [b"x"] * 6, timeout_s=60)
    assert len(consume(survivors, "replicated", 6, timeout_s=60)) == 6


def test_any_cluster_id_can_be_formatted() -> None:
    """One random id in 64 starts with a dash, which a command line takes for an option."""
    cluster = Cluster()
    try:
        cluster.brokers[0].format("-_IjA8aQTm6t7-xYXPyGag")
        assert any(cluster.directory.glob("data-1/meta.properties"))
    finally:
        cluster.close()
