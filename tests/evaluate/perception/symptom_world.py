"""A world in which the start model is right in the mean, given to the pipeline as interactions and answers.

Customers have 1 to 400 observations within a month to two years; 15 % of the interactions are answered on a question
of the CX Index. With non-random response the angry and the delighted answer more often than the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from jobs.simulate.surveys import MEAN, NOISE_SD, SD
from pipeline.answers import level_edges
from pipeline.model import Model
from pipeline.perceive import Observations, observe
from pipeline.priors import middle
from pipeline.records import EXPLICIT, NOTE, NOTE_ANSWER, PIECE
from pipeline.strings import Strings
from schemas.tables import DIMENSIONS
from tests.evaluate.perception.categories import kept
from tests.evaluate.perception.curves import ORDERS, bends
from tests.evaluate.perception.paths import Dynamics, true_levels
from tests.evaluate.perception.process import Process, Readings, exact
from tests.evaluate.perception.scene import Floats, Index, Queries, Scene, in_order
from tests.evaluate.perception.symptoms import VARIANCE, error_covariance, readings, show, symptom_model

SCALE: Final = "cxi_easy"
DIMENSION: Final = DIMENSIONS.index("easy")
QUERIES: Final = 5
"""Per customer: at random moments and at the end."""
MOST: Final = 400
"""Observations of a customer."""
PER_INTERACTION: Final = 2.2
ANSWERED: Final = 0.15
CONTACTS: Final = 0.6
DYNAMICS: Final = Dynamics()
START_MS: Final = 1_700_000_000_000
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Moments:
    """Interactions and queries of all customers, in order of (customer, at_ms)."""

    customer: Index
    at_ms: Index
    query: NDArray[np.bool_]


def symptom_scene(seed: int, queries: int, *, selective: bool, dynamics: Dynamics = DYNAMICS) -> Scene:
    """One world; ``selective``: response depends on the perception."""
    rng = np.random.default_rng(seed)
    moments = _moments(max(queries // QUERIES, 1), rng)
    lasting, recent = true_levels(moments.customer, (moments.at_ms - START_MS) / DAY_MS, dynamics, rng)
    happened = ~moments.query
    model, strings = symptom_model(), Strings()
    perception = (lasting + recent)[happened] + rng.normal(
        0.0, math.sqrt(model.interaction.prior_variance), int(happened.sum())
    )
    facts = _facts(moments.customer[happened], moments.at_ms[happened], perception, rng)
    notes = _answers(facts, perception, strings, model, rng, selective=selective)
    seen = observe(facts, np.ones(len(facts), dtype=np.bool_), notes, strings, model)
    asked = _queries(moments, middle(model.prior_mean) + lasting, middle(model.prior_mean) + lasting + recent)
    observations, customer = in_order(seen, facts["customer"].astype(np.int64)[seen.fact])
    prior = np.full((len(asked.at_ms), 1), middle(model.prior_mean))
    assumed = np.full((len(asked.at_ms), 3), middle(model.prior_mean))
    known = Readings(
        customer,
        observations.at_ms,
        _rescaled(observations.value[:, DIMENSION], observations.stated, model) - middle(model.prior_mean),
        np.ones((len(observations), 1)),
        _errors(observations, model, dynamics),
    )
    process = Process(dynamics.lasting, dynamics.recent, np.ones((1, 1)))
    oracle = exact(process, known, asked, {"relationship": prior, "journey": prior})
    said = observations.value[:, DIMENSION]
    return Scene(model, observations, customer, prior, assumed, asked, (DIMENSION,), oracle, said)


def _moments(customers: int, rng: np.random.Generator) -> Moments:
    """Numbers of observations are spread evenly, lengths of time evenly on a logarithmic scale."""
    wanted = rng.uniform(1.0, MOST, customers) / PER_INTERACTION
    count = np.maximum(np.rint(wanted), 1).astype(np.int64)
    days = np.exp(rng.uniform(math.log(30.0), math.log(730.0), customers))
    acting = np.repeat(np.arange(customers), count)
    asking = np.repeat(np.arange(customers), QUERIES)
    place = rng.uniform(0.1, 1.0, len(asking))
    place[::QUERIES] = 1.0
    customer = np.concatenate((acting, asking))
    share = np.concatenate((rng.random(len(acting)), place))
    at_ms = START_MS + (share * days[customer] * DAY_MS).astype(np.int64)
    query = np.arange(len(customer)) >= len(acting)
    order = np.lexsort((at_ms, customer))
    return Moments(customer[order], at_ms[order], query[order])


def _facts(customer: Index, at_ms: Index, perception: Floats, rng: np.random.Generator) -> NDArray[Any]:
    facts = np.zeros(len(customer), PIECE)
    for name in ("status", "severity", "visible"):
        facts[name] = -1
    for name in ("duration_s", "amount"):
        facts[name] = np.nan
    facts["customer"], facts["grouping"], facts["events"] = customer, EXPLICIT, 1
    facts["start_ms"] = facts["end_ms"] = at_ms
    show(facts, readings(perception, rng), rng.random(len(facts)) < CONTACTS, rng)
    return facts


def _answers(
    facts: NDArray[Any],
    perception: Floats,
    strings: Strings,
    model: Model,
    rng: np.random.Generator,
    *,
    selective: bool,
) -> NDArray[Any]:
    """Answers as the simulator's customers give them: the category of a noisy reading of the perception."""
    chance = np.full(len(facts), ANSWERED)
    if selective:
        eager = 0.55 + 0.6 * np.minimum(np.abs(perception) / SD, 2.0)
        chance *= eager / eager.mean()
    owner = np.flatnonzero(rng.random(len(facts)) < chance)
    reading = MEAN + perception[owner] + rng.normal(0.0, NOISE_SD, len(owner))
    scale = model.scales[SCALE]
    edges = level_edges(scale.levels, model.answers, scale.shares, scale.counts)[1:-1]
    notes = np.zeros(len(owner), NOTE)
    notes["owner"], notes["kind"], notes["name"] = owner, NOTE_ANSWER, strings[SCALE]
    notes["value"] = scale.first + np.searchsorted(edges, reading)
    notes["low"] = notes["high"] = np.nan
    notes["at_ms"], notes["event_hash"] = facts["end_ms"][owner], owner
    return notes


def _queries(moments: Moments, lasting: Floats, now: Floats) -> Queries:
    rows = np.flatnonzero(moments.query)
    truth = {"relationship": lasting[rows, np.newaxis], "journey": now[rows, np.newaxis]}
    return Queries(moments.customer[rows], moments.at_ms[rows], truth)


def _rescaled(value: Floats, stated: NDArray[np.bool_], model: Model) -> Floats:
    """Answers stretched so that they follow the perception one to one; categories shrink them."""
    center = middle(model.prior_mean)
    return np.where(stated, center + (value - center) / kept(SCALE, model), value)


def _errors(observations: Observations, model: Model, dynamics: Dynamics) -> Callable[[slice], Floats]:
    """What readings of one customer have in common beyond the levels: their interaction, their errors, their bends."""
    answer = (VARIANCE + NOISE_SD**2) / kept(SCALE, model) - VARIANCE
    signals = len(model.signal_names)
    wrong = np.zeros((signals + 1, signals + 1))
    wrong[:signals, :signals] = error_covariance()
    wrong[signals, signals] = answer  # the place of an answer is -1: the last one
    bend = bends(SCALE, model)
    wrong[signals, :signals] = wrong[:signals, signals] = bend[:signals] @ bend[signals]
    fact, kind, day = observations.fact, observations.signal.astype(np.int64), observations.at_ms / DAY_MS

    def error(rows: slice) -> Floats:
        apart = day[rows, np.newaxis] - day[rows]
        alike = (dynamics.lasting(apart) + dynamics.recent(apart)) / VARIANCE
        other = sum(
            np.multiply.outer(bend[kind[rows], place], bend[kind[rows], place]) * alike**order
            for place, order in enumerate(ORDERS)
        )
        same = model.interaction.prior_variance + wrong[kind[rows, np.newaxis], kind[rows]]
        return np.asarray(np.where(fact[rows, np.newaxis] == fact[rows], same, other))

    return error
