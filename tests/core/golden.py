"""Changelogs as they were written by every version of the state: ``python -m tests.core.golden`` writes this one's.

A file is never changed once it is committed. Its first line holds the events before and after the end of the
changelog, each other line one changelog record, key and value in Base64 (no value = a tombstone), in order.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.records import STATE_VERSION
from tests.core.harness import FOREVER, Event, pipeline, random_events, slices

DIRECTORY = Path(__file__).with_name("changelogs")
EVENTS, BEFORE, SIZE = 90, 60, 20
SEED, CUSTOMERS = 31, 4
Record = tuple[bytes, bytes | None]


@dataclass(frozen=True, slots=True)
class Golden:
    """One file."""

    version: int
    before: list[Event]
    """The events that the changelog includes."""
    after: list[Event]
    """Those that came next."""
    records: list[Record]


def path(version: int) -> Path:
    """The file of one version."""
    return DIRECTORY / f"state-{version}.ndjson.gz"


def all_files() -> Iterator[Golden]:
    """Every file there is."""
    for file in sorted(DIRECTORY.glob("state-*.ndjson.gz")):
        head, *lines = gzip.decompress(file.read_bytes()).decode().splitlines()
        known = json.loads(head)
        records = [
            (b64decode(key), None if value is None else b64decode(value)) for key, value in map(json.loads, lines)
        ]
        yield Golden(known["state_version"], known["before"], known["after"], records)


def changelog(events: Sequence[Event]) -> list[Record]:
    """The records that a worker writes for these events."""
    worker = pipeline(FOREVER, {})
    return [record for part in slices(events, SIZE) for record in worker.process([part]).changes.items()]


def write() -> Path:
    """Write the file of this version; refuses to change one that exists."""
    file, events = path(STATE_VERSION), random_events(EVENTS, seed=SEED, customers=CUSTOMERS)
    events = [*events[1::2], *events[::2]]  # the second half is late: it changes what the state holds
    head = {"state_version": STATE_VERSION, "before": events[:BEFORE], "after": events[BEFORE:]}
    lines = [
        json.dumps([text(key), None if value is None else text(value)]) for key, value in changelog(events[:BEFORE])
    ]
    DIRECTORY.mkdir(exist_ok=True)
    with file.open("xb") as sink:
        sink.write(gzip.compress("\n".join([json.dumps(head), *lines, ""]).encode(), mtime=0))
    return file


def text(value: bytes) -> str:
    """Bytes for JSON."""
    return b64encode(value).decode()


if __name__ == "__main__":
    print(write())
