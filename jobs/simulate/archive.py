"""Simulated records and the truth behind them as newline-delimited JSON files; ``.gz`` in the name compresses."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

import msgspec

from jobs.simulate.post import Record
from jobs.simulate.scenario import Scenario
from jobs.simulate.truth import FELT_SD, Levels
from jobs.simulate.world import Triple

_encode = msgspec.json.Encoder().encode


@contextmanager
def open_lines(path: Path) -> Iterator[BinaryIO]:
    """A file to write bytes to. The same lines give the same bytes, compressed or not."""
    with path.open("wb", buffering=1 << 20) as plain:
        if path.suffix != ".gz":
            yield plain
            return
        with gzip.GzipFile(filename="", mode="wb", fileobj=plain, compresslevel=4, mtime=0) as zipped:
            yield cast("BinaryIO", zipped)


def write(records: Iterable[Record], path: Path) -> int:
    """Write values in order of arrival, one a line; returns how many. A null value becomes the line ``null``."""
    count = 0
    with open_lines(path) as lines:
        for record in records:
            lines.write((b"null" if record.value is None else record.value) + b"\n")
            count += 1
    return count


class TruthFile(AbstractContextManager["TruthFile"]):
    """Writes the truth: a ``scenario`` line, then ``customer`` lines every day and ``interaction`` lines.

    Times are epoch milliseconds.
    ``customer``: true ``relationship`` level L and ``recent`` level L + J at the start of a day,
    points on (meets_needs, easy, enjoyable). ``interaction``: what it was ``felt`` as when it ended, and the
    ``shift`` by which what happened moved that; ``event_id`` is its first event. Levels are not clipped to 0..100 and
    hold no pyramid.
    """

    def __init__(self, path: Path, scenario: Scenario) -> None:
        self._open = ExitStack()
        self._lines = self._open.enter_context(open_lines(path))
        self._line("scenario", **_described(scenario))

    def day(self, at_ms: int, customers: Sequence[str], relationship: Levels, recent: Levels) -> None:
        """One line per customer."""
        for customer, lasting, now in zip(customers, relationship, recent, strict=True):
            self._line("customer", at=at_ms, customer_id=customer, relationship=_round(lasting), recent=_round(now))

    def interaction(
        self, at_ms: int, customer: str, event_id: str, interaction_id: str, felt: Triple, shift: Triple
    ) -> None:
        """One line."""
        self._line(
            "interaction",
            at=at_ms,
            customer_id=customer,
            event_id=event_id,
            interaction_id=interaction_id,
            felt=_round(felt),
            shift=_round(shift),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _line(self, kind: str, **fields: Any) -> None:
        self._lines.write(_encode({"kind": kind, **fields}) + b"\n")


def _round(levels: Sequence[float]) -> list[float]:
    return [round(level, 3) for level in levels]


def _described(scenario: Scenario) -> dict[str, Any]:
    return {
        "customers": scenario.customers,
        "days": scenario.days,
        "seed": scenario.seed,
        "start": scenario.start_ms,
        "incidents": [
            {
                "kind": incident.kind,
                "start": incident.start_ms,
                "end": incident.end_ms,
                "region": incident.region,
                "segment": incident.segment,
                "touchpoint": incident.touchpoint,
            }
            for incident in scenario.plan
        ],
        "lasts": scenario.dynamics.lasts,
        "stays": scenario.dynamics.stays,
        "lasting_sd": scenario.dynamics.lasting_sd,
        "lasting_half_life_d": scenario.dynamics.lasting_half_life_d,
        "recent_sd": scenario.dynamics.recent_sd,
        "recent_half_life_d": scenario.dynamics.recent_half_life_d,
        "felt_sd": FELT_SD,
    }
