"""What must be said: the difference between what was found now and what was told before, as transitions.

An alert that was told is found again by its identity, or as the same scope's alert of an overlapping time: late data
that move its beginning amend it, they do not make another one of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.detect.stories import Moment, Story
from schemas.alert import ENDED, AlertTransition

AMENDED: Final = "late data changed the buckets that it rests on"
WITHDRAWN: Final = "with late data it did not happen"
FORGOTTEN: Final = "nothing was heard of it for longer than a baseline looks back"
PARENT: Final = "it is part of another alert"
ALONE: Final = "the alert that it was part of is gone"
_MATERIAL_POINTS: Final = 1.0
_MATERIAL_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Told:
    """What was said about one alert so far: its steps, and the last transition."""

    steps: tuple[tuple[str, int], ...]
    last: AlertTransition

    @property
    def ended_ms(self) -> int | None:
        """When it ended, as told."""
        return self.last.at_ms if self.last.state in ENDED else None

    @property
    def fired(self) -> bool:
        """Whether it was told to fire."""
        return any(state == "firing" for state, _ in self.steps)

    def pack(self) -> bytes:
        """For the state."""
        value = {"steps": self.steps, "last": self.last.model_dump(mode="json")}
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def unpack(cls, value: bytes) -> Told:
        """From the state."""
        given: Mapping[str, Any] = json.loads(value)
        steps = tuple((str(state), int(at_ms)) for state, at_ms in given["steps"])
        return cls(steps, AlertTransition.model_validate(given["last"]))


Memory = MutableMapping[str, Told]
"""Alert id -> what was told about it."""


@dataclass(frozen=True, slots=True)
class When:
    """The moment of a look at the series."""

    watermark_ms: int
    final_ms: int
    """What ended before this was told and can no longer change."""
    reach_ms: Mapping[str, int]
    """Grain -> start of the earliest bucket that is looked at."""


def tell(given: Iterable[Story], memory: Memory, when: When) -> list[AlertTransition]:
    """Transitions to emit, in order; ``memory`` then holds them as told."""
    stories = list(given)
    known = _recognise(stories, memory)
    _name([story for story in stories if story not in known], memory, known.values())
    made: list[AlertTransition] = []
    for story in stories:
        told = memory.get(known[story]) if story in known else None
        if told is None and story.end_ms < when.final_ms:
            continue  # older than what memory reaches back to: it was told long ago
        if told is None or told.ended_ms is None or told.ended_ms >= when.final_ms:
            made += _about(story, told, memory, when)
    gone = set(memory) - set(known.values()) - {story.alert_id for story in stories}
    for alert_id in sorted(gone):
        made += _withdraw(memory, alert_id, when)
    return sorted(made, key=lambda one: (one.at_ms, bool(one.parent), one.fingerprint, one.alert_id, one.sequence))


def _recognise(stories: list[Story], memory: Memory) -> dict[Story, str]:
    """The alert that each story was told as; gives the stories their ids."""
    by_mark: dict[str, list[str]] = {}
    for alert_id, told in memory.items():
        by_mark.setdefault(told.last.fingerprint, []).append(alert_id)
    found: dict[Story, str] = {}
    free = {mark: sorted(ids, key=lambda one: (memory[one].steps[0][1], one)) for mark, ids in by_mark.items()}
    for story in stories:
        if story.own_id in free.get(story.fingerprint, ()):
            found[story] = story.alert_id = story.own_id
            free[story.fingerprint].remove(story.own_id)
    for story in stories:
        if story not in found:
            same = [one for one in free.get(story.fingerprint, ()) if _overlap(story, memory[one])]
            for alert_id in same[:1]:
                found[story] = story.alert_id = alert_id
                free[story.fingerprint].remove(alert_id)
    return found


def _overlap(story: Story, told: Told) -> bool:
    if told.last.state == "withdrawn":
        return False
    ended_ms = told.ended_ms
    return told.last.since_ms <= story.end_ms and (ended_ms is None or ended_ms >= story.since_ms)


def _name(fresh: list[Story], memory: Memory, taken: Iterable[str]) -> None:
    """Ids of new alerts; one that another alert has taken over is not given twice."""
    used = {*memory, *taken}
    for story in fresh:
        since_ms = story.since_ms
        while story.own_id in used:
            story.since_ms += 1
        story.alert_id, story.since_ms = story.own_id, since_ms
        used.add(story.alert_id)


def _about(story: Story, told: Told | None, memory: Memory, when: When) -> Iterator[AlertTransition]:
    steps = told.steps if told is not None else ()
    now = story.steps
    if told is not None and told.fired and story.life.alert is None:
        yield from _withdraw(memory, story.alert_id, when)
        return
    back = told is not None and told.last.state == "withdrawn"
    if tuple(now[: len(steps)]) == steps and not back:
        yield from _go_on(story, told, len(steps), memory, when)
    elif told is not None:
        yield _remember(story, _transition(story, story.moments[-1], told, when, AMENDED), memory)


def _go_on(story: Story, told: Told | None, known: int, memory: Memory, when: When) -> Iterator[AlertTransition]:
    """The steps after those that were told; none if a change of what was told is all that is new."""
    fresh = story.moments[known:]
    if not (told is not None and told.fired) and story.findings.held(story.life):
        fresh = [moment for moment in fresh if moment.state == "pending"]
    for moment in fresh:
        told = memory.get(story.alert_id)
        yield _remember(story, _transition(story, moment, told, when), memory)
    if not fresh and told is not None and told.fired and (reason := _change(story, told)):
        yield _remember(story, _transition(story, story.moments[known - 1], told, when, reason), memory)


def _change(story: Story, told: Told) -> str:
    """Why a told alert must be amended though its steps are the same; empty if it need not."""
    last, parent = told.last, story.parent.alert_id if story.parent is not None else ""
    if parent != last.parent and not (parent and last.parent):
        return PARENT if parent else ALONE
    moment = story.moments[len(told.steps) - 1]
    size = story.findings.numbers(story.life, moment.bucket, _size(story, moment))["size"]
    material = max(_MATERIAL_POINTS, _MATERIAL_SHARE * abs(last.size))
    return AMENDED if abs(size - last.size) > material else ""


def _size(story: Story, moment: Moment) -> float | None:
    """The size that held at a moment: the alert's own, or that of the last time it became worse."""
    return next((one.size for one in reversed(story.moments) if one.size and one.at_ms <= moment.at_ms), None)


def _transition(story: Story, moment: Moment, told: Told | None, when: When, amended: str = "") -> AlertTransition:
    findings, life = story.findings, story.life
    fired = life.alert is not None and moment.bucket >= life.alert.fired
    since_ms = findings.start_ms(life.alert.since) if fired and life.alert is not None else story.since_ms
    about: dict[str, Any] = {}
    if fired:
        about = {"affected": findings.affected(life), "cause": findings.cause(life)}
        about["parent"] = story.parent.alert_id if story.parent is not None else ""
    return AlertTransition.model_validate(
        {
            "alert_id": story.alert_id,
            "fingerprint": story.fingerprint,
            "sequence": 1 if told is None else told.last.sequence + 1,
            "state": moment.state,
            "amended": bool(amended),
            "reason": amended or moment.reason,
            "detector": story.detector,
            "kind": story.kind,
            "scope": story.scope,
            "grain": story.grain,
            "dimensions": findings.dimensions(life),
            "since_ms": since_ms,
            "at_ms": moment.at_ms,
            "watermark_ms": when.watermark_ms,
            **findings.numbers(life, moment.bucket, _size(story, moment)),
            **about,
        }
    )


def _remember(story: Story, made: AlertTransition, memory: Memory) -> AlertTransition:
    """Note a transition as told, with all steps up to it."""
    before = memory.get(story.alert_id)
    known = len(before.steps) if before is not None and not made.amended else 0
    steps = story.steps if made.amended else story.steps[: known + 1]
    memory[story.alert_id] = Told(tuple(steps), made)
    return made


def _withdraw(memory: Memory, alert_id: str, when: When) -> Iterator[AlertTransition]:
    """Take back what is not so; an ended suspicion and what can no longer change stay as they are."""
    told = memory[alert_id]
    ended = told.ended_ms is not None
    if told.last.state == "withdrawn" or (ended and (not told.fired or told.last.at_ms < when.final_ms)):
        return
    old = not ended and told.last.since_ms < when.reach_ms.get(told.last.grain, told.last.since_ms)
    change = {
        "sequence": told.last.sequence + 1,
        "state": "resolved" if old else "withdrawn",
        "amended": not old,
        "reason": FORGOTTEN if old else WITHDRAWN,
        "watermark_ms": when.watermark_ms,
    }
    made = told.last.model_copy(update=change)
    memory[alert_id] = Told(told.steps, made)
    yield made


def forgettable(memory: Memory, before_ms: int) -> list[str]:
    """Ended alerts that lie before everything that is still looked at."""
    ended = ((alert_id, told.ended_ms) for alert_id, told in memory.items())
    return [alert_id for alert_id, ended_ms in ended if ended_ms is not None and ended_ms < before_ms]
