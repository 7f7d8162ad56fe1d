"""A steady, seeded load, and what it must amount to."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kafka import KafkaProducer

KEYS = 200
GOOD = b"{}"
BAD = b"bad \xff\x00"
"""No JSON, no text: neither contender can read it."""


class Sent(NamedTuple):
    """One record of a plan."""

    key: bytes
    value: bytes
    timestamp_ms: int | None = None
    """The producer's clock; None = the real one."""


def plan(records: int, seed: int, poison: float = 0.0) -> list[Sent]:
    """What to send, in order; a function of its arguments only."""
    rng = random.Random(seed)
    keys = [f"c{rng.randrange(KEYS)}".encode() for _ in range(records)]
    return [Sent(key, BAD if rng.random() < poison else GOOD) for key in keys]


def expected(sent: Sequence[Sent]) -> Counter[str]:
    """The final table: how often each key was sent with a readable value."""
    return Counter(one.key.decode() for one in sent if one.value != BAD)


class Load:
    """Sends a plan at a steady pace from a thread of its own, each record once (the producer is idempotent)."""

    def __init__(self, bootstrap: str, topic: str, records: Sequence[Sent], per_second: int) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._records = records
        self._pause_s = 1 / per_second
        self._flowing = threading.Event()
        self._flowing.set()
        self._sent = 0
        self._thread = threading.Thread(target=self._run, name="load")
        self._over = False

    @property
    def sent(self) -> int:
        """Records of the plan given to the producer so far."""
        return self._sent

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def at(self, share: float) -> None:
        """Wait until this share of the plan is sent."""
        while self._sent < share * len(self._records):
            if not self._thread.is_alive():
                raise AssertionError("the load ended early")
            time.sleep(0.02)

    def pause(self) -> None:
        """Send nothing for now; what was sent has arrived a second later."""
        self._flowing.clear()
        time.sleep(1.0)

    def resume(self) -> None:
        """Go on."""
        self._flowing.set()

    def redirect(self, topic: str, *, again: int) -> None:
        """Send to another topic from here on, the first ``again`` records of the plan now; only while paused."""
        self._topic = topic
        with KafkaProducer(bootstrap_servers=self._bootstrap, linger_ms=20, enable_idempotence=True) as producer:
            for key, value, timestamp_ms in self._records[:again]:
                producer.send(topic, key=key, value=value, timestamp_ms=timestamp_ms)
            producer.flush()

    def finish(self) -> None:
        """Send the rest."""
        self._flowing.set()
        self._thread.join()

    def stop(self) -> None:
        """Send no more."""
        self._over = True
        if self._thread.ident is not None:
            self.finish()

    def _run(self) -> None:
        with KafkaProducer(bootstrap_servers=self._bootstrap, linger_ms=20, enable_idempotence=True) as producer:
            for key, value, timestamp_ms in self._paced():
                producer.send(self._topic, key=key, value=value, timestamp_ms=timestamp_ms)
                self._sent += 1
            producer.flush()

    def _paced(self) -> Iterator[Sent]:
        due = time.monotonic()
        for record in self._records:
            if not self._flowing.is_set():
                self._flowing.wait()
                due = time.monotonic()
            due += self._pause_s
            time.sleep(max(due - time.monotonic(), 0))
            if self._over:
                return
            yield record
