"""Stories: lives of all series with times and identities, and who is told and who is only listed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from pipeline.detect.findings import NAMES, Findings, labels
from pipeline.detect.lives import WORSE, Life
from schemas.alert import Labels, alert_id_of, fingerprint_of


@dataclass(frozen=True, slots=True)
class Moment:
    """A state from a moment on, epoch milliseconds."""

    state: str
    at_ms: int
    bucket: int
    reason: str
    size: float | None


@dataclass(slots=True, eq=False)
class Story:
    """A life with its identity; ``parent`` is the story that speaks for it."""

    findings: Findings
    life: Life
    detector: str
    kind: str
    scope: Labels
    fingerprint: str
    since_ms: int
    moments: list[Moment]
    parent: Story | None = None
    alert_id: str = ""
    steps: list[tuple[str, int]] = field(default_factory=list)

    @property
    def grain(self) -> str:
        """Width of its buckets."""
        return self.findings.watch.grain

    @property
    def fired_ms(self) -> int | None:
        """When it first fired."""
        return next((moment.at_ms for moment in self.moments if moment.state == "firing"), None)

    @property
    def end_ms(self) -> float:
        """When it ended; infinite while it goes on."""
        return math.inf if self.life.ongoing else self.moments[-1].at_ms

    @property
    def own_id(self) -> str:
        """The id that follows from what it is."""
        return alert_id_of(self.detector, self.kind, self.scope, self.grain, self.since_ms)


def stories(found: Sequence[Findings]) -> list[Story]:
    """All stories, those that speak for others named by them."""
    made: dict[int, Story] = {}
    for findings in found:
        for life in findings.lives:
            made[id(life)] = _story(findings, life)
    for story in made.values():
        speaker = story.findings.speaker_of(story.life)
        if speaker is not None and speaker is not story.life:
            story.parent = made[id(speaker)]
    _once_per_grain(list(made.values()))
    return sorted(made.values(), key=_order)


def _story(findings: Findings, life: Life) -> Story:
    scope, kind = labels(findings.scope(life)), findings.kind_of(life)
    detector, grain = NAMES[life.detector], findings.watch.grain
    moments = [
        Moment(step.state, findings.start_ms(step.bucket + 1), step.bucket, step.reason, step.size)
        for step in life.steps
    ]
    mark = fingerprint_of(detector, kind, scope, grain)
    steps = [(moment.state, moment.at_ms) for moment in moments]
    return Story(findings, life, detector, kind, scope, mark, findings.start_ms(life.since), moments, steps=steps)


def _order(story: Story) -> tuple[int, int, str, str, int]:
    return story.moments[0].at_ms, story.findings.watch.width_ms, story.detector, story.fingerprint, story.since_ms


def _once_per_grain(given: Sequence[Story]) -> None:
    """Of overlapping alerts about the same from several grains the first speaks for the others."""
    told = [story for story in given if story.parent is None and story.fired_ms is not None]
    kept: list[Story] = []
    for story in sorted(told, key=lambda one: (one.fired_ms, *_order(one))):
        story.parent = next(_twins(story, kept), None)
        if story.parent is None:
            kept.append(story)
        elif story.parent.scope == story.scope:
            _grow(story.parent, story)


def _grow(story: Story, twin: Story) -> None:
    """What a twin knows earlier: that it became at least twice as bad as was known."""
    size, moments = 0.0, []
    width_ms, first = story.findings.watch.width_ms, story.findings.given.series.first
    for moment in sorted([*story.moments, *_sized(twin, story)], key=lambda one: one.at_ms):
        now = _size_of(story, moment)
        if moment.reason == WORSE and now < 2 * size:
            continue
        size = max(size, now)
        moments.append(replace(moment, bucket=moment.at_ms // width_ms - first - 1))
    story.moments = moments
    story.steps = [(moment.state, moment.at_ms) for moment in moments]


def _sized(twin: Story, story: Story) -> Iterator[Moment]:
    """Moments of a twin that tell a size, while the other is open."""
    for moment in twin.moments:
        size = _size_of(twin, moment)
        if size and moment.at_ms > (story.fired_ms or 0) and moment.at_ms < story.end_ms:
            yield replace(moment, reason=WORSE, size=size)


def _size_of(story: Story, moment: Moment) -> float:
    """The size that a moment brings; 0 if it brings none."""
    if moment.size is None and moment.at_ms == story.fired_ms and story.life.alert is not None:
        return story.life.alert.size
    return moment.size or 0.0


def _twins(story: Story, kept: Sequence[Story]) -> Iterator[Story]:
    mine = story.findings.scope(story.life)
    for other in kept:
        theirs = other.findings.scope(other.life)
        if (
            (other.detector, other.kind) == (story.detector, story.kind)
            and other.grain != story.grain
            and (mine.covers(theirs) or theirs.covers(mine))
            and other.end_ms >= story.since_ms
            and story.end_ms >= other.since_ms
        ):
            yield other
