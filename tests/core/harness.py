"""Drive a partition's pipeline over events in memory and see its tables as ClickHouse would."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.batch import Flush, RawBatch
from pipeline.model import start_model
from pipeline.partition import PartitionPipeline
from pipeline.policy import DAY_MS, Policy
from schemas.limits import Limits
from schemas.tables import BY_NAME

START_MS = 1_700_000_000_000
APPENDED_MS = START_MS + 400 * DAY_MS
FOREVER = Policy(lateness_ms=500 * DAY_MS)

Event = dict[str, Any]
Rows = dict[tuple[Any, ...], dict[str, Any]]
Tables = dict[str, Rows]

UNCOMPARED = frozenset({"version", "source_offset", "appended_at"})


def event(number: int, at_ms: int, kind: str = "browse", customer: str = "ann", **fields: Any) -> Event:
    """One event; ``at_ms`` counts from START_MS."""
    named = {"event_id": f"e{number}", "customer_id": customer, "occurred_at": START_MS + at_ms, "type": kind}
    return named | fields


_KINDS = "browse call chat message purchase use failure recovery answer ad promise complaint case payment".split()


def random_events(count: int, *, seed: int, customers: int = 12, days: float = 20.0) -> list[Event]:
    """Seeded events of every kind that the stages treat apart, in order of time."""
    draw = random.Random(seed)
    made = [_random_event(draw, number, draw.randrange(customers), days) for number in range(count)]
    return sorted(made, key=lambda one: (one["occurred_at"], one["event_id"]))


def _random_event(draw: random.Random, number: int, customer: int, days: float) -> Event:
    kind = draw.choice(_KINDS)
    made = event(number, round(draw.random() * days * DAY_MS / 60_000) * 60_000, kind, f"c{customer}")
    options: dict[str, tuple[float, Any]] = {
        "segment": (0.5, lambda: draw.choice(["gold", "basic"])),
        "touchpoint": (0.5, lambda: draw.choice(["home", "billing", "hotline"])),
        "goal": (0.3, lambda: draw.choice(["upgrade", "fix"])),
        "reason": (0.2, lambda: draw.choice(["bill", "line"])),
        "outcome": (0.2, lambda: draw.choice(["completed", "failed"])),
        "resolved": (0.2, lambda: draw.random() < 0.5),
        "interaction_id": (0.1, lambda: f"i{customer}-{draw.randrange(5)}"),
        "journey_id": (0.1, lambda: f"j{draw.randrange(4)}"),
        "sequence": (0.2, lambda: draw.randrange(3)),
        "wait_s": (0.2, lambda: draw.random() * 100),
        "promised_s": (0.2, lambda: 1 + draw.random() * 100),
        "transfers": (0.2, lambda: draw.randrange(3)),
        "measures": (0.1, lambda: {"mos": draw.random()}),
    }
    made |= {name: value() for name, (chance, value) in options.items() if draw.random() < chance}
    if kind == "answer":
        made |= {"scale": "nps", "value": draw.randrange(11)}
    if kind == "case":
        made["status"] = draw.choice(["opened", "resolved", "reopened", "closed"])
    return made


def batch(events: Sequence[Event], offset: int = 0) -> RawBatch:
    """The events as records of one partition."""
    return RawBatch(
        np.arange(offset, offset + len(events)),
        np.full(len(events), APPENDED_MS),
        [one["customer_id"].encode() for one in events],
        [json.dumps(one).encode() for one in events],
    )


def pipeline(policy: Policy = Policy(), state: dict[bytes, bytes] | None = None) -> PartitionPipeline:
    """A pipeline of partition 0 with the start model."""
    return PartitionPipeline("interactions-v1", 0, policy=policy, model=start_model(), limits=Limits(), state=state)


def slices(events: Sequence[Event], size: int) -> Iterable[RawBatch]:
    """``events`` cut into batches of ``size``."""
    for offset in range(0, len(events), size):
        yield batch(events[offset : offset + size], offset)


class Sink:
    """Tables with the semantics of ReplacingMergeTree(version, is_deleted)."""

    def __init__(self) -> None:
        self._rows: Tables = {}
        self.counts: dict[str, int] = {}

    def take(self, flush: Flush) -> None:
        """Write a flush."""
        self.write(flush.rows)
        for name, count in flush.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count

    def write(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Write rows of any tables; every declared column must be there."""
        for table, columns in rows.items():
            declared = BY_NAME[table]
            assert set(columns) == set(declared.column_names), table
            plain = {name: _plain(values) for name, values in columns.items()}
            assert len({len(values) for values in plain.values()}) == 1, table
            for values in zip(*plain.values(), strict=True):
                self._put(table, declared.identity, dict(zip(plain, values, strict=True)))

    def _put(self, table: str, identity: tuple[str, ...], row: dict[str, Any]) -> None:
        rows = self._rows.setdefault(table, {})
        key = tuple(row[name] for name in identity)
        held = rows.get(key)
        if held is None or (row["version"], not row.get("is_deleted")) >= (held["version"], not held.get("is_deleted")):
            rows[key] = row

    @property
    def tables(self) -> Tables:
        """What FINAL shows."""
        return {
            name: {key: row for key, row in rows.items() if not row.get("is_deleted")}
            for name, rows in self._rows.items()
        }


def _plain(values: Any) -> list[Any]:
    listed: list[Any] = values.tolist() if isinstance(values, np.ndarray) else list(values)
    return listed


def run(events: Sequence[Event], size: int = 10_000, policy: Policy = Policy()) -> Sink:
    """Process ``events`` in batches of ``size``."""
    made, sink = pipeline(policy), Sink()
    for part in slices(events, size):
        sink.take(made.process([part]))
    return sink


def differences(one: Tables, other: Tables) -> list[str]:
    """Where two sets of tables differ, floats to 1e-9."""
    found = []
    for table in sorted(set(one) | set(other)):
        left, right = one.get(table, {}), other.get(table, {})
        found += [f"{table}: {key} only in one" for key in left.keys() ^ right.keys()]
        for key in left.keys() & right.keys():
            found += [
                f"{table}: {key} {name}: {value!r} != {right[key][name]!r}"
                for name, value in left[key].items()
                if name not in UNCOMPARED and not _equal(value, right[key][name])
            ]
    return found


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)
