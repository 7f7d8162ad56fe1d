"""Which files go first when several processes share the suite: what takes long must not be left for the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

SERVICES = frozenset({"kafka", "kafka_behind_proxy", "kafka_broker", "kafka_cluster", "guarded", "clickhouse_url"})
SLOW, SERVED = 10, 2
"""Rough seconds of a test that is marked slow, and of one that asks a service."""


def seconds(item: pytest.Item) -> int:
    """A rough guess; 0 for a test of the pure core."""
    if item.get_closest_marker("slow") is not None:
        return SLOW
    return SERVED if SERVICES.intersection(getattr(item, "fixturenames", ())) else 0


def longest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests of the file that takes longest come first; the order within a file stays as it is."""
    files: Counter[str] = Counter()
    for item in items:
        files[item.nodeid.partition("::")[0]] += seconds(item)
    return sorted(items, key=lambda item: -files[item.nodeid.partition("::")[0]])
