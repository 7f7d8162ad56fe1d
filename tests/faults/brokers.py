"""Faults of brokers and of the way to them."""

from __future__ import annotations

from kafka import KafkaAdminClient

from tests.faults.case import fault
from tests.faults.contenders import SESSION_TIMEOUT_S
from tests.faults.rig import Rig
from tests.services.kafka import Broker

AWAY_S = 20.0
"""How long one of three brokers is lost."""


@fault()
def broker_stopped(rig: Rig) -> None:
    """broker stopped for 60 s"""
    rig.workers(2)
    rig.load.at(0.5)
    rig.load.pause()
    rig.strike()
    rig.kafka.broker.stop()
    rig.wait(rig.seconds(60, 10))
    rig.kafka.broker.start()
    rig.load.resume()


@fault()
def broker_killed(rig: Rig) -> None:
    """broker killed, back after 5 s"""
    rig.workers(2)
    rig.load.at(0.5)
    rig.strike()
    rig.kafka.broker.kill()
    rig.load.pause()
    rig.wait(4)
    rig.kafka.broker.start()
    rig.load.resume()


@fault()
def connections_cut(rig: Rig) -> None:
    """broker's connections cut for 3 s"""
    rig.workers(2)
    rig.load.at(0.3)
    rig.strike()
    rig.kafka.proxy.cut()
    rig.wait(3)
    rig.kafka.proxy.mode = "open"


@fault()
def half_open(rig: Rig) -> None:
    """broker's connections half-open for 10 s"""
    rig.workers(2)
    rig.load.at(0.3)
    rig.strike()
    rig.kafka.proxy.mode = "half-open"
    rig.wait(SESSION_TIMEOUT_S + 4)
    rig.kafka.proxy.mode = "open"


@fault(brokers=3)
def leader_lost(rig: Rig) -> None:
    """leader of the input lost, of three brokers"""
    _lose(rig, rig.bench.topic, 0)


@fault(brokers=3)
def coordinator_lost(rig: Rig) -> None:
    """coordinator of the group lost, of three brokers"""
    partitions = len(_leaders(rig, "__consumer_offsets"))
    _lose(rig, "__consumer_offsets", java_hash(rig.bench.name) % partitions)


def java_hash(text: str) -> int:
    """Java's ``String.hashCode`` without its sign: the coordinator of a group leads this partition of the offsets."""
    number = 0
    for unit in text.encode("ascii"):
        number = (31 * number + unit) & 0xFFFFFFFF
    return number & 0x7FFFFFFF


def _lose(rig: Rig, topic: str, partition: int) -> None:
    rig.workers(2)
    rig.load.at(0.3)
    victim = _broker(rig, _leaders(rig, topic)[partition])
    rig.strike()
    victim.kill()
    rig.wait(AWAY_S)
    victim.start()


def _leaders(rig: Rig, topic: str) -> dict[int, int]:
    admin = KafkaAdminClient(bootstrap_servers=rig.bench.bootstrap)
    try:
        (found,) = admin.describe_topics([topic])
        return {one["partition_index"]: one["leader_id"] for one in found["partitions"]}
    finally:
        admin.close()


def _broker(rig: Rig, node: int) -> Broker:
    return next(broker for broker in rig.kafka.brokers if broker.node == node)


CASES = (broker_stopped, broker_killed, connections_cut, half_open, leader_lost, coordinator_lost)
