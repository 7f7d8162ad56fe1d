"""The partitioner is Kafka's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as kafka_murmur2

from pipeline.partitioning import murmur2, partition_of


@given(st.binary(min_size=1, max_size=40))
def test_murmur2_equals_the_one_of_kafka_python(key: bytes) -> None:
    assert murmur2(key) == kafka_murmur2(key) & 0xFFFFFFFF


def test_known_value() -> None:
    assert partition_of(b"customer-1", 8) == 1
