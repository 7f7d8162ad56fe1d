"""Where stories play: a clock, an agenda, and what a story may do (meet a customer, ask, start another story)."""

from __future__ import annotations

import heapq
import random
from collections.abc import Generator, Iterable
from datetime import UTC, datetime
from typing import Any

from jobs.simulate.people import Person
from jobs.simulate.post import Post
from jobs.simulate.scenario import Incident, Scenario
from jobs.simulate.surveys import CX_INDEX, SCALES, replies, tick
from jobs.simulate.truth import FELT_SD, Truth, TruthLog
from jobs.simulate.world import EFFECTS, Triple, add
from pipeline.policy import DAY_MS, HOUR_MS

Story = Generator[int, None, None]
"""Plays at ``stage.now`` and yields how many milliseconds later it goes on."""

_DIGITAL = frozenset({"browse", "use", "ad", "recommendation"})


def rfc3339(at_ms: int) -> str:
    """UTC time with milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Stage:
    """The world while it runs. Stories are played in order of time, so what one leaves behind the next one meets."""

    def __init__(self, scenario: Scenario, truth: Truth, log: TruthLog, post: Post, rng: random.Random) -> None:
        self.scenario = scenario
        self.incidents: tuple[Incident, ...] = scenario.plan
        self.truth = truth
        self.log = log
        self.rng = rng
        self.now = scenario.start_ms
        self._post = post
        self._agenda: list[tuple[int, int, Story]] = []
        self._begun = 0
        self._said = 0

    def begin(self, story: Story, at_ms: int) -> None:
        """Let a story begin at ``at_ms``."""
        self._begun += 1
        heapq.heappush(self._agenda, (at_ms, self._begun, story))

    def play(self, until_ms: int) -> None:
        """Play what the agenda holds before ``until_ms``."""
        agenda = self._agenda
        while agenda and agenda[0][0] < until_ms:
            self.now, order, story = heapq.heappop(agenda)
            delay = next(story, None)
            if delay is not None:
                heapq.heappush(agenda, (self.now + max(1, delay), order, story))

    def say(self, person: Person, kind: str, at_ms: int, fields: dict[str, Any]) -> str:
        """Send one event; returns its id."""
        self._said += 1
        event_id = f"e{self._said:08x}"
        event = {
            "event_id": event_id,
            "customer_id": person.id,
            "occurred_at": at_ms if kind in _DIGITAL else rfc3339(at_ms),
            "type": kind,
            "segment": person.segment,
            **fields,
        }
        self._post.send(person.key, event, at_ms)
        return event_id

    def new_id(self, prefix: str) -> str:
        """A fresh id of an interaction or a journey."""
        self._said += 1
        return f"{prefix}-{self._said:07x}"

    def load(self, desk: str) -> float:
        """Factor on the waiting time of a desk now."""
        return max((incident.load for incident in self.incidents if incident.floods(desk, self.now)), default=1.0)

    def daytime(self, low_d: float, high_d: float) -> int:
        """Delay, milliseconds, to a daytime moment ``low_d`` to ``high_d`` days from now."""
        day = (self.now + int(self.rng.uniform(low_d, high_d) * DAY_MS)) // DAY_MS * DAY_MS
        return max(HOUR_MS, day + int(self.rng.uniform(8, 20) * HOUR_MS) - self.now)

    def hours(self, low: float, high: float) -> int:
        """A delay of ``low`` to ``high`` hours, milliseconds."""
        return int(self.rng.uniform(low, high) * HOUR_MS)

    def ask(self, person: Person, scales: Iterable[str], felt: Triple, fields: dict[str, Any]) -> None:
        """Invite to a survey; a reply comes within a day, or never."""
        if replies(self.rng, felt, person.eager):
            self.begin(_reply(self, person, tuple(scales), felt, fields), self.now + self.hours(0.1, 20))


def _reply(stage: Stage, person: Person, scales: tuple[str, ...], felt: Triple, fields: dict[str, Any]) -> Story:
    for number, name in enumerate(scales):
        scale = SCALES[name]
        answer = {"scale": name, "value": tick(stage.rng, name, felt), **fields}
        if name == "rating":
            answer |= {"scale_min": scale.low, "scale_max": scale.high}
        if name in CX_INDEX:
            answer["sequence"] = number + 1
        stage.say(person, "answer", stage.now, answer)
    yield from ()


class Meeting:
    """One interaction while it happens: its events, and what it does to the customer."""

    def __init__(self, stage: Stage, person: Person, channel: str, touchpoint: str, **common: Any) -> None:
        self.stage = stage
        self.person = person
        self.common: dict[str, Any] = {"channel": channel, "touchpoint": touchpoint, **common}
        self.shift: Triple = (0.0, 0.0, 0.0)
        self._first = ""
        self._last_ms = stage.now

    def event(self, kind: str, after_s: float = 0.0, **fields: Any) -> None:
        """Something happens ``after_s`` seconds after the meeting began."""
        self._last_ms = max(self._last_ms, self.stage.now + int(after_s * 1000))
        event_id = self.stage.say(self.person, kind, self.stage.now + int(after_s * 1000), {**self.common, **fields})
        self._first = self._first or event_id

    def effect(self, name: str, factor: float = 1.0) -> None:
        """It moves perception by one of the operator's known effects."""
        self.shift = add(self.shift, EFFECTS[name], factor)

    def wait(self, ratio_log2: float, factor: float) -> None:
        """Waiting is felt against the promise: ``ratio_log2`` doublings, ``factor`` times as much as usual."""
        points = -6.0 * factor * max(-2.0, min(2.0, ratio_log2))
        self.shift = add(self.shift, (0.3, 1.0, 0.5), points)

    def end(self, *scales: str, invited: float = 0.0) -> Triple:
        """The customer leaves with a feeling, and perhaps with an invitation to answer ``scales``."""
        stage, rng, person = self.stage, self.stage.rng, self.person
        before = stage.truth.now(person.index)
        chance = (rng.gauss(0.0, FELT_SD), rng.gauss(0.0, FELT_SD), rng.gauss(0.0, FELT_SD))
        felt = add(add(before, self.shift), chance)
        stage.truth.happened(person.index, self.shift)
        identity = self.common.get("interaction_id", "")
        stage.log.interaction(self._last_ms, person.id, self._first, identity, felt, self.shift)
        if scales and rng.random() < invited:
            stage.ask(person, scales, felt, self._survey_fields())
        return felt

    def _survey_fields(self) -> dict[str, Any]:
        kept = ("channel", "touchpoint", "interaction_id", "journey_id", "goal", "reason", "team")
        fields = {name: self.common[name] for name in kept if self.common.get(name)}
        return fields if "interaction_id" in fields else {**fields, "channel": "survey"}
