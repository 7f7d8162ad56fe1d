"""Day after day: who begins which story, then the stories are played and the post is collected."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from jobs.simulate.people import Person, draw
from jobs.simulate.post import Post, Record
from jobs.simulate.scenario import Incident, Scenario
from jobs.simulate.stage import Stage, Story
from jobs.simulate.stories import bills, everyday, faults, orders
from jobs.simulate.truth import Nobody, Truth, TruthLog
from pipeline.policy import DAY_MS, HOUR_MS, MINUTE_MS

STARTS_PER_DAY: Final[tuple[tuple[Callable[[Stage, Person], Story], float], ...]] = (
    (everyday.visit, 0.16),
    (everyday.use, 0.24),
    (everyday.advert, 0.22),
    (everyday.boast, 0.006),
    (everyday.care, 0.022),
    (everyday.relationship_survey, 0.02),
    (everyday.index_survey, 0.012),
    (everyday.account_talk, 0.004),
    (faults.fault, 0.0075),
    (bills.price, 0.0022),
    (orders.upgrade, 0.0055),
    (orders.move, 0.0016),
)
"""Stories that customers begin by chance, and how many of them on a day. Bills come by the calendar."""


def simulate(scenario: Scenario, log: TruthLog | None = None) -> Iterator[Record]:
    """Records of ``scenario`` in order of arrival; ``log`` is told the truth as it happens.

    Memory follows the customers and the stories under way, not the length of the simulation.
    """
    numbers = np.random.default_rng(scenario.seed)
    people, means = draw(scenario.customers, numbers)
    truth, log = Truth(means, numbers, scenario.dynamics), log or Nobody()
    post = Post(scenario, random.Random(f"post {scenario.seed}"))
    stage = Stage(scenario, truth, log, post, random.Random(f"stage {scenario.seed}"))
    ids = [person.id for person in people]
    for day in range(scenario.days):
        begin = scenario.start_ms + day * DAY_MS
        if day:
            truth.new_day()
        log.day(begin, ids, truth.relationship(), truth.standing())
        _begin_stories(stage, people, day, begin, numbers)
        for hour in range(1, 25):
            stage.play(begin + hour * HOUR_MS)
            yield from post.collect(begin + hour * HOUR_MS)
    yield from post.collect()


def _begin_stories(stage: Stage, people: Sequence[Person], day: int, begin: int, numbers: np.random.Generator) -> None:
    for story, rate in STARTS_PER_DAY:
        for index in np.flatnonzero(numbers.random(len(people)) < rate).tolist():
            stage.begin(story(stage, people[index]), begin + _moment(stage.rng))
    for person in people:
        if day % 28 == person.billing_day:
            stage.begin(bills.bill(stage, person), begin + _moment(stage.rng))
    for incident in stage.incidents:
        if begin <= incident.start_ms < begin + DAY_MS:
            _strike(stage, people, incident)


def _strike(stage: Stage, people: Sequence[Person], incident: Incident) -> None:
    for person in people:
        if incident.hits(person.region, person.segment) and stage.rng.random() < 0.85:
            start = incident.start_ms + int(stage.rng.random() * 60 * MINUTE_MS)
            stage.begin(faults.outage(stage, person, incident), start)


def _moment(rng: random.Random) -> int:
    """A moment of the day, milliseconds after midnight: most of life happens in the afternoon."""
    return int(rng.triangular(6.0, 23.5, 15.0) * HOUR_MS)
