"""Who is broken over counts per key: a stock Faust agent and this worker, handled and counted in the same way."""

from __future__ import annotations

import contextlib
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tests.faults import stock_variables
from tests.faults.case import Case
from tests.faults.load import BAD, Sent, expected, plan
from tests.faults.verdict import Loss
from tests.stream.support import Bench, Worker

SESSION_TIMEOUT_S = 6
PARTITIONS = 4
RECORDS = 6_000
PER_SECOND = 900


class Contender(Bench):
    """An application whose row file is read while it is written, and after writers were killed."""

    ours: ClassVar[bool]
    title: ClassVar[str]
    settle_s: ClassVar[float]
    """After all is counted, its offsets must be committed within so long."""
    per_second = PER_SECOND

    def __init__(
        self, bootstrap: str, name: str, directory: Path, case: Case, *, address: str = "", seed: int = 1
    ) -> None:
        super().__init__(bootstrap, name, directory, PARTITIONS)
        self.address = address or bootstrap
        self.case = case
        self.records: Sequence[Sent] = plan(RECORDS, seed, case.poison)

    def open(self) -> None:
        """Prepare what workers need; :meth:`close` takes it away."""
        self.create_topics(replicas=self.case.brokers)

    def complete(self) -> bool:
        """Whether everything that was sent is counted at least once."""
        return not expected(self.records) - self.counted()

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table; a line that was torn by a kill is no row."""
        if not self.rows_file.exists():
            return []
        found = []
        for line in self.rows_file.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return [row for row in found if row["table"] == table]

    def judged(self) -> Loss:
        """State and rows against the plan, the worse of the two; what could not be read must have been told."""
        wanted = expected(self.records)
        logged = self.read(self.topic)
        told = [Sent(record.key, record.value) for record in logged if b'"tick"' not in record.value]
        assert Counter(told) == Counter(Sent(*one[:2]) for one in self.records), "the load itself was not exact"
        found = (self.state(), self.counted())
        missing_raw = max(len(told) - len(self.rows("raw")), 0)
        poison, refused = sum(one.value == BAD for one in self.records), self.refused()
        lost = max(*((wanted - counts).total() for counts in found), missing_raw) + max(poison - refused, 0)
        doubled = max((counts - wanted).total() for counts in found) + max(refused - poison, 0)
        return Loss(lost, doubled)

    def refused(self) -> int:
        """Records that somebody is told about because they cannot be read."""
        return len(self.read(self.rejected))

    def begin_anew(self) -> None:
        """Start over as another application: other state, other offsets, and the rows of nobody else."""
        raise NotImplementedError


class Ours(Contender):
    """This worker over the counting pipeline; ``address`` is the broker as the worker sees it."""

    ours = True
    title = "this worker"
    settle_s = 60.0

    def __init__(
        self, bootstrap: str, name: str, directory: Path, case: Case, *, address: str = "", seed: int = 1
    ) -> None:
        super().__init__(bootstrap, name, directory, case, address=address, seed=seed)
        self.environment["PERCEPTION_KAFKA__BOOTSTRAP_SERVERS"] = self.address
        self.environment["PERCEPTION_KAFKA__SESSION_TIMEOUT_S"] = str(SESSION_TIMEOUT_S)
        self.environment["PERCEPTION_KAFKA__REPLICATION_FACTOR"] = str(case.brokers)

    def begin_anew(self) -> None:
        """As a message of the worker says: a new application id, and rows into an empty place."""
        self.name += "-anew"
        self.changelog = f"{self.name}-state-v1-changelog"
        self.rows_file = self.directory / "rows-anew.jsonl"
        self.environment |= {
            "PERCEPTION_KAFKA__APPLICATION_ID": self.name,
            "PERCEPTION_KAFKA__TOPIC": self.topic,
            "PERCEPTION_KAFKA__PARTITIONS": str(self.partitions),
            "ROWS": str(self.rows_file),
        }


class Stock(Contender):
    """A plain at-least-once agent with one table."""

    ours = False
    title = "stock Faust"
    settle_s = 10.0
    """That its offsets may never be committed is not held against it."""

    def __init__(
        self, bootstrap: str, name: str, directory: Path, case: Case, *, address: str = "", seed: int = 1
    ) -> None:
        super().__init__(bootstrap, name, directory, case, address=address, seed=seed)
        self.changelog = f"{name}-counts-changelog"
        self.environment = stock_environment(self, "ROWS", str(self.rows_file))

    def worker(self, *, command: list[str] | None = None, **environment: str) -> Worker:
        """A worker process of the stock agent."""
        return super().worker(command=command or [sys.executable, "-m", "tests.faults.stock_agent"], **environment)

    def state(self) -> Counter[str]:
        """Counts per key as the changelog has them."""
        latest = {(record.partition, record.key): record.value for record in self.read(self.changelog)}
        counts: Counter[str] = Counter()
        for (_, key), value in latest.items():
            with contextlib.suppress(ValueError):
                counts[_text(key)] += int(json.loads(value or b"0"))
        return counts


def _text(key: bytes) -> str:
    return str(json.loads(key)) if key.startswith(b'"') else key.decode()


def stock_environment(bench: Contender, *more: str) -> dict[str, str]:
    """Settings of a stock worker; ``more`` is a name and a value, and so on."""
    return {
        stock_variables.BROKER: bench.address.replace(",", ";"),
        stock_variables.APPLICATION: bench.name,
        stock_variables.TOPIC: bench.topic,
        stock_variables.PARTITIONS: str(PARTITIONS),
        stock_variables.REPLICAS: str(bench.case.brokers),
        stock_variables.SESSION_TIMEOUT: str(SESSION_TIMEOUT_S),
        stock_variables.DIRECTORY: str(bench.directory),
        **dict(zip(more[::2], more[1::2], strict=True)),
    }


CONTENDERS: Mapping[str, str] = {"stock": Stock.title, "ours": Ours.title}
