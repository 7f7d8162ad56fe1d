"""Changelog records that are not what a flush wrote: the restore goes on exactly, or stops with an error of ours."""

from __future__ import annotations

import random
from collections import Counter
from typing import Final

from jobs.stream.chain import Chain
from jobs.stream.errors import RecoveryError
from jobs.stream.fragments import Fragments
from jobs.stream.restore import apply
from pipeline.statechecks import StateError
from pipeline.store import CUSTOMER, MARKER_KEY
from tests.core.harness import FOREVER, batch, pipeline, random_events
from tests.fuzz.mutation import mutated
from tests.stream.records import record

EVENTS: Final = 20
CUSTOMERS: Final = 3


class State:
    """The target; the changelog of a real flush, with one record spoilt."""

    name = "state"
    about = "changelog records, restored, taken over and processed on"
    per_input = 1

    def __init__(self) -> None:
        events = random_events(3 * EVENTS, seed=2, customers=CUSTOMERS, days=2)
        random.Random(2).shuffle(events)
        kept: dict[bytes, bytes | None] = {}
        made = pipeline(FOREVER, {})
        for first in (0, EVENTS):
            kept |= made.process([batch(events[first : first + EVENTS], first)]).changes
        self._next = batch(events[2 * EVENTS :], 2 * EVENTS)
        found = [(key, value) for key, value in kept.items() if value is not None]
        self._log = sorted(found, key=lambda item: item[0] == MARKER_KEY)
        self._kinds = sorted({key[0] for key, _ in self._log})
        assert set(b"kcxm") <= set(self._kinds), "customers, cells, retractions and the marker"

    def run(self, draw: random.Random) -> Counter[str]:
        """Spoil one record, or put one in, and restore."""
        log: list[tuple[bytes, bytes | None]] = list(self._log)
        kind = draw.choice([*self._kinds, CUSTOMER[0], CUSTOMER[0]])
        place = draw.choice([place for place, (key, _) in enumerate(log) if key[0] == kind])
        key, value = log[place]
        if draw.random() < 0.3:
            key = mutated(key, draw, [key for key, _ in self._log])
        else:
            value = mutated(value or b"", draw, [value for _, value in self._log])
        log[place : place + draw.randrange(2)] = [(key, value)]
        try:
            self._restore(log)
        except (StateError, RecoveryError) as error:
            return Counter([type(error).__name__])
        return Counter(["restored"])

    def _restore(self, log: list[tuple[bytes, bytes | None]]) -> None:
        state: dict[bytes, bytes] = {}
        chain = Chain("changelog[0]")
        apply(state, chain, [record(offset, key, value) for offset, (key, value) in enumerate(log)])
        chain.finish()
        Fragments().join(state)
        restored = pipeline(FOREVER, state)
        restored.rewrite(-1)
        if restored.marker.offset < 2 * EVENTS:
            restored.process([self._next])
