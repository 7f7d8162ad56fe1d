"""Who is broken over a real warehouse: the real job, and a stock agent that makes sessions."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from jobs.settings import KafkaSettings
from jobs.topics import admin, apply, declared
from jobs.warehouse import open_warehouse
from tests.core.harness import START_MS, Event, random_events
from tests.faults import sessions, stock_variables
from tests.faults.case import Case
from tests.faults.contenders import PARTITIONS, SESSION_TIMEOUT_S, Contender, Ours, Stock, stock_environment
from tests.faults.load import Sent
from tests.faults.verdict import Loss
from tests.faults.warehouse import Broken, broken
from tests.stream.support import ROOT, Worker

EVENTS = 1_600
CUSTOMERS = 120
PER_SECOND = 300
LATENESS = "500d"
STATEMENT_TIMEOUT_S = 3
SPAN_MS = 20 * 86_400_000
YEAR_MS = 365 * 86_400_000


def events(seed: int) -> list[Event]:
    """Three weeks of some customers in any order: almost every event is late and changes what was there."""
    made = random_events(EVENTS, seed=seed, customers=CUSTOMERS)
    random.Random(seed).shuffle(made)
    return made


def events_of_now(seed: int, now_ms: int) -> list[Event]:
    """The same events up to now, and here and there one whose producer's clock is a year ahead."""
    made = [{**one, "occurred_at": one["occurred_at"] - START_MS + now_ms - SPAN_MS} for one in events(seed)]
    for place in range(len(made) // 5, len(made), len(made) // 5):
        made[place] = {**made[place], "occurred_at": now_ms + YEAR_MS}
    return made


def sent(made: Sequence[Event]) -> list[Sent]:
    """Events as records; a clock that is wrong is so for the record, too."""
    latest_ms = time.time_ns() // 1_000_000 + YEAR_MS // 2
    return [
        Sent(one["customer_id"].encode(), json.dumps(one).encode(), at if at > latest_ms else None)
        for one in made
        for at in [one["occurred_at"]]
    ]


class Tables(Contender):
    """An application with a warehouse of its own."""

    per_second = PER_SECOND

    def __init__(
        self, bootstrap: str, name: str, directory: Path, case: Case, *, address: str = "", seed: int = 1
    ) -> None:
        super().__init__(bootstrap, name, directory, case, address=address, seed=seed)
        self.events = events_of_now(seed, time.time_ns() // 1_000_000) if case.clock else events(seed)
        self.records = sent(self.events)
        self._stack = ExitStack()

    @cached_property
    def warehouse(self) -> Broken:
        """Started at its first use."""
        return self._stack.enter_context(broken(self.case.disk_mb))

    def open(self) -> None:
        """Topics as `perception topics apply` makes them, and an empty warehouse."""
        kafka = KafkaSettings(
            bootstrap_servers=self.bootstrap,
            application_id=self.name,
            topic=self.topic,
            rejected_topic=self.rejected,
            partitions=PARTITIONS,
        )
        with admin(kafka) as client:
            apply(client, [topic for topic in declared(kafka) if topic.name in {self.topic, self.rejected}])

    def close(self) -> None:
        super().close()
        self._stack.close()

    def exact(self) -> None:
        """The log holds what was to be sent, each record once."""
        logged = [record for record in self.read(self.topic) if b'"tick"' not in record.value]
        assert Counter(record.value for record in logged) == Counter(one.value for one in self.records)

    def complete(self) -> bool:
        """Rows come before the offset."""
        return self.lag() == 0


class OursTables(Tables):
    """The real job."""

    ours = True
    title = Ours.title
    settle_s = Ours.settle_s

    def open(self) -> None:
        super().open()
        store = open_warehouse(self.warehouse.endpoint.url)
        store.migrate()
        store.close()
        self.environment |= {
            "PERCEPTION_KAFKA__BOOTSTRAP_SERVERS": self.address,
            "PERCEPTION_KAFKA__SESSION_TIMEOUT_S": str(SESSION_TIMEOUT_S),
            "PERCEPTION_WAREHOUSE__URL": self.warehouse.address,
            "PERCEPTION_WAREHOUSE__SEND_RECEIVE_TIMEOUT_S": str(STATEMENT_TIMEOUT_S),
            "PERCEPTION_WORKER__FLUSH_RECORDS": "200",
            "PERCEPTION_POLICY__LATENESS": LATENESS,
        }

    def worker(self, *, command: list[str] | None = None, **environment: str) -> Worker:
        """A worker process of the real job; ``PERCEPTION_CRASH_AT`` ends it at a crash point."""
        return super().worker(command=command or [sys.executable, "-m", "tests.faults.real_main"], **environment)

    def judged(self) -> Loss:
        """All tables against the pure pipeline over the log."""
        self.exact()
        environment = {**self.inherited(), "PERCEPTION_KAFKA__BOOTSTRAP_SERVERS": self.bootstrap}
        command = [sys.executable, "-m", "tests.faults.verdict", self.warehouse.endpoint.url, str(self.directory)]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr[-2_000:]
        loss = Loss(**json.loads(done.stdout.splitlines()[-1]))
        ((late,),) = self.warehouse.execute("SELECT count() FROM late")
        return replace(loss, lost=loss.lost + int(str(late)))  # nothing is that late, by any right clock


class StockTables(Tables):
    """A plain agent that makes sessions of the same events."""

    ours = False
    title = Stock.title
    settle_s = Stock.settle_s

    def open(self) -> None:
        super().open()
        self.warehouse.execute(sessions.CREATE)
        port = str(self.warehouse.proxy.port)
        self.environment = stock_environment(self, stock_variables.WAREHOUSE_PORT, port)

    def worker(self, *, command: list[str] | None = None, **environment: str) -> Worker:
        """A worker process; the crash points have the same names."""
        point = environment.pop("PERCEPTION_CRASH_AT", "")
        command = command or [sys.executable, "-m", "tests.faults.stock_sessions"]
        return super().worker(command=command, **environment, **{stock_variables.CRASH: point})

    def judged(self) -> Loss:
        """Sessions against those of all events."""
        self.exact()
        wanted = sessions.final(self.events)
        rows: list[Any] = self.warehouse.execute(
            f"SELECT key, start_ms, end_ms, events FROM {sessions.TABLE} FINAL WHERE is_deleted = 0"
        )
        found = {(key, start): (end, count) for key, start, end, count in rows}
        other = sum(found[identity] != row for identity, row in wanted.items() if identity in found)
        return Loss(len(wanted.keys() - found.keys()) + other, len(found.keys() - wanted.keys()) + other)
