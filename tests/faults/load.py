"""A steady, seeded load, and what it must amount to."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator

from kafka import KafkaProducer

KEYS = 200


def plan(records: int, seed: int) -> list[str]:
    """The keys to send, in order; a function of its arguments only."""
    rng = random.Random(seed)
    return [f"c{rng.randrange(KEYS)}" for _ in range(records)]


def expected(keys: list[str]) -> Counter[str]:
    """The final table: how often each key was sent."""
    return Counter(keys)


class Load:
    """Sends a plan at a steady pace from a thread of its own, each record once (the producer is idempotent)."""

    def __init__(self, bootstrap: str, topic: str, keys: list[str], per_second: int) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._keys = keys
        self._pause_s = 1 / per_second
        self._flowing = threading.Event()
        self._flowing.set()
        self._sent = 0
        self._thread = threading.Thread(target=self._run, name="load")
        self._over = False

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def at(self, share: float) -> None:
        """Wait until this share of the plan is sent."""
        while self._sent < share * len(self._keys):
            if not self._thread.is_alive():
                raise AssertionError("the load ended early")
            time.sleep(0.02)

    def pause(self) -> None:
        """Send nothing for now."""
        self._flowing.clear()
        time.sleep(1.0)

    def resume(self) -> None:
        """Go on."""
        self._flowing.set()

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
            for key in self._paced():
                producer.send(self._topic, key=key.encode(), value=b"{}")
                self._sent += 1
            producer.flush()

    def _paced(self) -> Iterator[str]:
        due = time.monotonic()
        for key in self._keys:
            if not self._flowing.is_set():
                self._flowing.wait()
                due = time.monotonic()
            due += self._pause_s
            time.sleep(max(due - time.monotonic(), 0))
            if self._over:
                return
            yield key
