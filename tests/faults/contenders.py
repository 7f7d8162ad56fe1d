"""Who is broken: a stock Faust agent and this worker, handled, observed and counted in the same way."""

from __future__ import annotations

import contextlib
import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.faults import stock_variables
from tests.stream.support import Bench, Worker

SESSION_TIMEOUT_S = 6
PARTITIONS = 4


class Contender(Bench):
    """An application whose row file is read while it is written, and after writers were killed."""

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table; a line that was torn by a kill is no row."""
        if not self.rows_file.exists():
            return []
        found = []
        for line in self.rows_file.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return [row for row in found if row["table"] == table]


class Ours(Contender):
    """This worker over the counting pipeline; ``address`` is the broker as the worker sees it."""

    title = "this worker"
    settle_s = 60.0
    """After all is counted, its offsets must be committed within so long."""

    def __init__(self, bootstrap: str, name: str, directory: Path, *, address: str = "") -> None:
        super().__init__(bootstrap, name, directory, PARTITIONS)
        self.environment["PERCEPTION_KAFKA__BOOTSTRAP_SERVERS"] = address or bootstrap
        self.environment["PERCEPTION_KAFKA__SESSION_TIMEOUT_S"] = str(SESSION_TIMEOUT_S)


class Stock(Contender):
    """A plain at-least-once agent with one table."""

    title = "stock Faust"
    settle_s = 10.0
    """After all is counted; that its offsets may never be is not held against it."""

    def __init__(self, bootstrap: str, name: str, directory: Path, *, address: str = "") -> None:
        super().__init__(bootstrap, name, directory, PARTITIONS)
        self.changelog = f"{name}-counts-changelog"
        self.environment = {
            stock_variables.BROKER: address or bootstrap,
            stock_variables.APPLICATION: name,
            stock_variables.TOPIC: self.topic,
            stock_variables.PARTITIONS: str(PARTITIONS),
            stock_variables.SESSION_TIMEOUT: str(SESSION_TIMEOUT_S),
            stock_variables.DIRECTORY: str(directory),
            "ROWS": str(self.rows_file),
        }

    def worker(self, *, command: list[str] | None = None, **environment: str) -> Worker:
        """A worker process of the stock agent."""
        return super().worker(command=command or [sys.executable, "-m", "tests.faults.stock_agent"], **environment)

    def state(self) -> Counter[str]:
        """Counts per key as the changelog has them."""
        latest = {(record.partition, record.key): record.value for record in self.read(self.changelog)}
        counts: Counter[str] = Counter()
        for (_, key), value in latest.items():
            if value is not None:
                counts[str(json.loads(key)) if key.startswith(b'"') else key.decode()] += int(json.loads(value))
        return counts


CONTENDERS: Mapping[str, type[Ours | Stock]] = {"stock": Stock, "ours": Ours}
