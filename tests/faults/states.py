"""Faults of what a worker stands on: its changelog, its offsets, its topics."""

from __future__ import annotations

import signal

from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from tests.faults.case import fault
from tests.faults.rig import Rig
from tests.stream.support import eventually

OUTAGE_S = 15.0
TINY_BYTES = "120"
"""Largest record batch of a changelog that takes nothing."""
USUAL_BYTES = "1048588"
MORE_PARTITIONS = 6


@fault(control_fails=True)
def slow_changelog(rig: Rig) -> None:
    """changelog slow (3 s a request), then SIGKILL"""
    victim, _ = rig.workers(2)
    rig.load.at(0.3)
    rig.kafka.proxy.delay_s = 3.0
    rig.strike()
    rig.kafka.proxy.mode = "delay"
    rig.wait(6)
    victim.send(signal.SIGKILL)
    rig.kafka.proxy.mode = "open"
    rig.worker()


@fault()
def failing_changelog(rig: Rig) -> None:
    """changelog refuses every write for 15 s"""
    rig.workers(2)
    rig.load.at(0.3)
    rig.strike()
    rig.configure(rig.bench.changelog, min_insync_replicas="2")
    rig.wait(OUTAGE_S)
    rig.configure(rig.bench.changelog, min_insync_replicas="1")


@fault()
def changelog_too_large(rig: Rig) -> None:
    """changelog's records too large for 15 s (said, then restarted)"""
    (worker,) = rig.workers(1)
    rig.load.at(0.3)
    rig.strike()
    rig.configure(rig.bench.changelog, max_message_bytes=TINY_BYTES)
    rig.refuses(worker, "larger than the broker accepts")
    rig.wait(OUTAGE_S / 3)
    rig.configure(rig.bench.changelog, max_message_bytes=USUAL_BYTES)
    rig.worker()


@fault()
def bad_last_record(rig: Rig) -> None:
    """bad last changelog record (refused, rebuilt from the log)"""
    rig.workers(2)
    rig.load.at(0.5)
    rig.settled()
    with KafkaProducer(bootstrap_servers=rig.bench.bootstrap) as producer:
        producer.send(rig.bench.changelog, key=b'"c1"', value=b"\xff{", partition=0).get(30)
    rig.strike()
    rig.refused("does not end with the marker of a flush")
    if rig.ours:
        rig.bench.begin_anew()
    rig.worker()
    rig.load.resume()


@fault()
def offsets_expired(rig: Rig) -> None:
    """committed offsets expired"""
    rig.workers(2)
    rig.load.at(0.5)
    rig.settled()
    admin = KafkaAdminClient(bootstrap_servers=rig.bench.bootstrap)
    try:
        eventually(lambda: _deleted(admin, rig.bench.name), "the group is empty and its offsets are gone")
    finally:
        admin.close()
    rig.strike()
    rig.worker()
    rig.load.resume()


def _deleted(admin: KafkaAdminClient, group: str) -> bool:
    try:
        return all(outcome == "OK" for outcome in admin.delete_groups([group]).values())
    except Exception as error:
        if "NonEmpty" in repr(error):
            return False
        raise


@fault()
def topic_recreated(rig: Rig) -> None:
    """topic recreated (refused, begun anew)"""
    rig.workers(2)
    rig.load.at(0.4)
    rig.settled()
    rig.bench.recreate_topic()
    rig.bench.records = rig.bench.records[rig.load.sent :]
    rig.strike()
    rig.refused("the topic was recreated or truncated")
    if rig.ours:
        rig.bench.begin_anew()
    rig.worker()
    rig.load.resume()


@fault()
def partitions_changed(rig: Rig) -> None:
    """partitions added to the topic (refused, begun anew on another)"""
    running = rig.workers(2)
    rig.load.at(0.4)
    rig.load.pause()
    rig.strike()
    admin = KafkaAdminClient(bootstrap_servers=rig.bench.bootstrap)
    try:
        admin.create_partitions({rig.bench.topic: MORE_PARTITIONS})
    finally:
        admin.close()
    for worker in running:
        rig.refuses(worker, "topics must have the same number of partitions", patience_s=90)
    rig.refused("topics must have the same number of partitions")
    rig.bench.partitions = MORE_PARTITIONS
    if rig.ours:
        _moved(rig)
    rig.worker()
    rig.load.resume()


def _moved(rig: Rig) -> None:
    """What `perception topics apply` advises: a new topic, and everything produced into that."""
    sent = rig.load.sent
    rig.bench.topic += "-2"
    rig.bench.begin_anew()
    admin = KafkaAdminClient(bootstrap_servers=rig.bench.bootstrap)
    try:
        admin.create_topics([NewTopic(rig.bench.topic, MORE_PARTITIONS, 1)])
    finally:
        admin.close()
    rig.load.redirect(rig.bench.topic, again=sent)


CASES = (
    slow_changelog,
    failing_changelog,
    changelog_too_large,
    bad_last_record,
    offsets_expired,
    topic_recreated,
    partitions_changed,
)
