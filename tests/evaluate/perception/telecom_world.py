"""The project's own simulator, whose truth is not what the estimator assumes, from bytes to observations.

There, what happens causes the feeling and a small part of it stays; response is not random, scales are coarse, and
signals act together. The oracle knows every cause and all variances, and sees the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from jobs.simulate import Scenario, simulate
from jobs.simulate.surveys import NOISE_SD, SD
from jobs.simulate.truth import DYNAMICS, FELT_SD, MIXING, Dynamics, Levels
from jobs.simulate.world import SEGMENTS, Triple
from pipeline.model import Model
from pipeline.policy import DAY_MS
from pipeline.strings import Strings
from pipeline.view import View
from tests.evaluate.perception.categories import kept_of
from tests.evaluate.perception.process import Process, Readings, exact
from tests.evaluate.perception.scene import Floats, Index, Queries, Scene, in_order, known, spread_out
from tests.support.perceived import perceived

WARM_UP_D: Final = 30
"""Days before the first query."""


@dataclass(slots=True)
class Diary:
    """Remembers the truth."""

    customers: tuple[str, ...] = ()
    at_ms: list[int] = field(default_factory=list)
    lasting: list[Levels] = field(default_factory=list)
    standing: list[Levels] = field(default_factory=list)
    happened: list[tuple[int, str, str, Triple]] = field(default_factory=list)
    """Time, customer, first event, and shift of every interaction."""

    def day(self, at_ms: int, customers: Sequence[str], relationship: Levels, recent: Levels) -> None:
        """Remember all levels of a day."""
        self.customers = tuple(customers)
        self.at_ms.append(at_ms)
        self.lasting.append(relationship)
        self.standing.append(recent)

    def interaction(
        self, at_ms: int, customer: str, event_id: str, interaction_id: str, felt: Triple, shift: Triple
    ) -> None:
        """Remember what moved perception."""
        self.happened.append((at_ms, customer, event_id, shift))


@dataclass(frozen=True, slots=True)
class Causes:
    """What happened to whom, in order of (customer, at_ms)."""

    customer: Index
    at_ms: Index
    shift: Floats
    dynamics: Dynamics

    def staying(self, customer: Index, at_ms: Index, half_life_d: float) -> Floats:
        """Sum of shifts before ``at_ms``, faded, shape (n, 3)."""
        asked = Queries(customer, at_ms, {})
        query, row = spread_out(*known(self.customer, self.at_ms, asked))
        fade = np.exp2((self.at_ms[row] - at_ms[query]) / (half_life_d * DAY_MS))
        sums = [np.bincount(query, fade * self.shift[row, place], len(customer)) for place in range(3)]
        return np.column_stack(sums)

    def expected(self, customer: Index, at_ms: Index) -> dict[str, Floats]:
        """What stays of it, by horizon."""
        moves = self.dynamics
        lasting = moves.lasts * self.staying(customer, at_ms, moves.lasting_half_life_d)
        recent = moves.stays * self.staying(customer, at_ms, moves.recent_half_life_d)
        return {"relationship": lasting, "journey": lasting + recent}


def telecom_scene(
    seed: int,
    queries: int,
    model: Model,
    *,
    customers: int = 1_500,
    days: int = 180,
    dynamics: Dynamics = DYNAMICS,
) -> Scene:
    """One simulated operator without broken, late or doubled records."""
    clean = Scenario(customers, days, seed, bad_share=0.0, duplicate_share=0.0, very_late_share=0.0)
    scenario = replace(clean, dynamics=dynamics)
    diary = Diary()
    records = list(simulate(scenario, diary))
    found = perceived(records, model)
    view, strings = found.view, found.context.strings
    place = {name: index for index, name in enumerate(diary.customers)}
    of_name = np.array([place[name] for name in found.customers])
    of_fact = of_name[view.rows["customer"]]
    segments, means = _segments(view, of_fact, strings, len(place))
    asked = _queries(diary, queries, np.random.default_rng(seed))
    causes = _causes(diary, place, dynamics)
    observations, customer = in_order(view.lasting, of_fact[view.lasting.fact])
    stays = causes.expected(asked.customer, asked.at_ms)
    expected = {name: means[asked.customer] + stays[name] for name in stays}
    oracle = exact(_process(dynamics), _readings(view, of_fact, diary, causes, means, model), asked, expected)
    assumed = np.array([model.prior_of(segments[at]) for at in asked.customer.tolist()])
    said = observations.value[:, 0] + np.where(observations.stated, view.shift[observations.fact, 0], 0.0)
    return Scene(model, observations, customer, means[asked.customer], assumed, asked, (0, 1, 2), oracle, said)


def _segments(view: View, of_fact: Index, strings: Strings, count: int) -> tuple[list[str], Floats]:
    """Segment of every customer, and its true mean, shape (count, 3)."""
    codes = np.zeros(count, dtype=np.int32)
    named = view.rows["segment"] != 0
    codes[of_fact[named]] = view.rows["segment"][named]
    names: list[str] = strings.take(codes).tolist()
    mean = {segment.name: segment.mean for segment in SEGMENTS}
    return names, np.array([mean.get(name, (70.0, 70.0, 70.0)) for name in names])


def _queries(diary: Diary, count: int, rng: np.random.Generator) -> Queries:
    """Random customers at the starts of random days."""
    customer = rng.integers(0, len(diary.customers), count)
    day = rng.integers(WARM_UP_D, len(diary.at_ms), count)
    order = np.lexsort((day, customer))
    customer, day = customer[order], day[order]
    lasting, standing = np.array(diary.lasting), np.array(diary.standing)
    truth = {"relationship": lasting[day, customer], "journey": standing[day, customer]}
    return Queries(customer, np.array(diary.at_ms)[day], truth)


def _causes(diary: Diary, place: dict[str, int], dynamics: Dynamics) -> Causes:
    at_ms = np.array([cause[0] for cause in diary.happened])
    customer = np.array([place[cause[1]] for cause in diary.happened])
    order = np.lexsort((at_ms, customer))
    shift = np.array([cause[3] for cause in diary.happened])
    return Causes(customer[order], at_ms[order], shift[order], dynamics)


def _process(moves: Dynamics) -> Process:
    def lasting(days: Floats) -> Floats:
        return np.asarray(moves.lasting_sd**2 * np.exp2(-np.abs(days) / moves.lasting_half_life_d))

    def recent(days: Floats) -> Floats:
        return np.asarray(moves.recent_sd**2 * np.exp2(-np.abs(days) / moves.recent_half_life_d))

    return Process(lasting, recent, MIXING)


def _readings(view: View, of_fact: Index, diary: Diary, causes: Causes, means: Floats, model: Model) -> Readings:
    """All answers, less what their interaction did to the customer and what stayed of earlier ones."""
    answers = view.observations.take(view.observations.stated)
    answers, customer = in_order(answers, of_fact[answers.fact])
    about = answers.weight / answers.weight.sum(axis=1, keepdims=True)
    own, felt = _own_shift(view, diary)
    expected = means[customer] + causes.expected(customer, answers.at_ms)["journey"]
    expected += (1 - causes.dynamics.stays - causes.dynamics.lasts) * own[answers.fact]
    kept = kept_of(answers.weight, model)
    points = model.answers.center + (answers.value[:, 0] - model.answers.center) / kept
    residual = points - (about * expected).sum(axis=1)
    noise = SD**2 / kept - SD**2 + NOISE_SD**2

    def error(rows: slice) -> Floats:
        same = (answers.fact[rows, np.newaxis] == answers.fact[rows]) & felt[answers.fact[rows]]
        chance: Floats = same * FELT_SD**2 * (about[rows] @ about[rows].T)
        return np.asarray(chance + np.diag(noise[rows]))

    # Who answers is not random: their mean error is taken as known.
    return Readings(customer, answers.at_ms, residual - residual.mean(), about, error)


def _own_shift(view: View, diary: Diary) -> tuple[Floats, NDArray[np.bool_]]:
    """Shift of each fact by the hash of its first event, and whether it was an interaction of the simulator."""
    hashes = np.array([xxhash.xxh3_64_intdigest(cause[2].encode()) for cause in diary.happened], dtype=np.uint64)
    shift = np.array([cause[3] for cause in diary.happened])
    order = np.argsort(hashes)
    row = order[np.minimum(np.searchsorted(hashes, view.rows["event_hash"], sorter=order), len(order) - 1)]
    found = hashes[row] == view.rows["event_hash"]
    return np.where(found[:, np.newaxis], shift[row], 0.0), found
