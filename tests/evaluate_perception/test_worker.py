"""What the worker's scores say just before an answer is what an evaluation of the same log says."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.evaluate import read
from jobs.evaluate.before import moments_before
from jobs.fit import fit
from jobs.fit import read as read_answers
from jobs.models import dump
from jobs.warehouse import open_warehouse
from pipeline import scores
from pipeline.model import DEFAULT_MODEL, Model
from pipeline.partition import PartitionPipeline
from pipeline.policy import DAY_MS, HOUR_MS, Policy
from pipeline.predict import answer_moments
from pipeline.predictor import CAUSE, SYMPTOM, Feature, Levels, Line, Predictor
from schemas.limits import Limits
from schemas.tables import DIMENSIONS
from tests.core.harness import Event, Sink, batch, event
from tests.fit.orders import events as story_of_orders
from tests.fit.orders import filled

ORDERS: dict[str, Feature] = {
    "attributes.kind": Levels({"old": (-4.0, -6.0, -2.0), "new": (2.0, 3.0, 1.0)}, (0.2,) * 3, types=("purchase",)),
    "measures.days": Line((-2.0, -1.0, -3.0), 3.0, 0.0, 20.0, (0.4,) * 3, missing=(-8.0,) * 3, types=("delivery",)),
    "outcome": Levels({"late": (-9.0, -3.0, -5.0)}, (0.2,) * 3, other=(1.0,) * 3),
    "signals.resolved": Line((8.0, 4.0, 2.0), 0.7, 0.0, 1.0, (0.2,) * 3),
}
VIDEO: dict[str, Feature] = {
    "measures.stalls": Line((-3.0, -2.0, -6.0), 1.0, 0.0, 9.0, (0.7,) * 3, missing=(1.0,) * 3, types=("use",)),
    "attributes.device": Levels({"phone": (-1.0, -2.0, -3.0)}, (0.3,) * 3, other=(1.0,) * 3, types=("use",)),
}


def model(role: str, features: dict[str, Feature]) -> Model:
    """Of nothing but the predictor."""
    named = replace(
        DEFAULT_MODEL,
        version="",
        effects={name: one for name, one in DEFAULT_MODEL.effects.items() if f"signals.{name}" in features},
        predictor=Predictor(role, (0.4, 0.2, 0.3), features),
        segments={"gold": 75.0},
    )
    return replace(named, version=f"test-{named.digest()}")


def orders(seed: int) -> list[Event]:
    """A purchase, a delivery that may be late or never come, perhaps a call about it, and a review.

    What never comes is missing at the review: only then, so that such reviews are no ``whole`` ones here, but count
    in what is said of later ones.
    """
    draw, made = random.Random(f"orders {seed}"), []
    for person in range(16):
        for number in range(draw.randint(2, 5)):
            at_ms = number * 60 * DAY_MS + draw.randrange(200) * HOUR_MS
            made += list(_order(draw, f"c{person}", f"o{person}-{number}", at_ms))
    return _numbered(made)


def _order(draw: random.Random, who: str, order: str, at_ms: int) -> Iterator[Event]:
    shared: Any = {"journey_id": order, "segment": "gold" if who < "c5" else "basic", "customer": who}
    yield event(0, at_ms, "purchase", attributes={"kind": draw.choice(["old", "new", "odd"])}, **shared)
    days = draw.randint(1, 14)
    at_ms += days * DAY_MS
    if came := draw.random() < 0.8:
        outcome = "late" if days > 7 else "on_time"
        yield event(0, at_ms, "delivery", outcome=outcome, measures={"days": days} if days % 5 else {}, **shared)
    if called := draw.random() < 0.5:
        at_ms += 2 * DAY_MS
        yield event(0, at_ms, "call", resolved=draw.random() < 0.5, **shared)
    if draw.random() < 0.8:
        said: Any = {"scale": "csat", "value": draw.randint(1, 5)}
        yield event(0, at_ms + 3 * DAY_MS, "answer", **said, **shared, attributes={"whole": str(came and called)})


def videos(seed: int) -> list[Event]:
    """Sessions with stalls, some days with several, and an opinion score about them in a journey of its own."""
    draw, made = random.Random(f"videos {seed}"), list[Event]()
    for person in range(12):
        shared: Any = {"customer": f"c{person}", "segment": "gold"}
        for number in range(draw.randint(2, 5)):
            at_ms = number * 20 * DAY_MS + draw.randrange(24) * HOUR_MS
            for _ in range(draw.randint(1, 4)):
                told: Any = {"measures": {"stalls": draw.randrange(6)}} if draw.random() < 0.7 else {}
                told |= {"attributes": {"device": draw.choice(["phone", "tv"])}} if draw.random() < 0.5 else {}
                made.append(event(0, at_ms, "use", **told, **shared))
                at_ms += draw.randint(2, 20) * HOUR_MS
            said: Any = {"scale": "rating", "value": draw.randint(1, 5), "scale_min": 1, "scale_max": 5}
            goal = {"goal": "survey"} if number % 2 else {}
            made.append(
                event(0, at_ms + 30 * HOUR_MS, "answer", **said, **shared, **goal, attributes={"whole": "True"})
            )
    return _numbered(made)


def _numbered(made: list[Event]) -> list[Event]:
    made.sort(key=lambda one: one["occurred_at"])
    return [one | {"event_id": f"e{number}"} for number, one in enumerate(made)]


@dataclass
class Worker:
    """A partition that is asked for scores now and then."""

    model: Model

    def __post_init__(self) -> None:
        self.made = PartitionPipeline("t", 0, policy=Policy(), model=self.model, limits=Limits(), state={})
        self.sink = Sink()

    def take(self, events: list[Event]) -> None:
        """Process events."""
        if events:
            self.sink.take(self.made.process([batch(events, self.made.marker.offset + 1)]))

    def expected(self, answer: Event) -> float:
        """What the scores of now say of an answer, points."""
        at_ms, model = answer["occurred_at"], self.model
        self.take([{"type": "tick", "occurred_at": at_ms - 1, "customer_id": "", "event_id": ""}])
        [customer] = (
            row for row in self.sink.tables["customer_rows"].values() if row["customer_id"] == answer["customer_id"]
        )
        prior = np.full(3, model.segments.get(answer["segment"], model.prior_mean))
        mean = prior
        for name, horizon in (("relationship", model.relationship), ("journey", model.journey)):
            fade = 2.0 ** ((customer["as_of"] - at_ms) / horizon.half_life_ms)
            weight, total = (
                fade * np.array([customer[f"{name}_{one}_{part}"] for one in DIMENSIONS]) for part in ("weight", "sum")
            )
            mean = scores.mean(weight, total, mean, horizon)
        rows = [
            row
            for row in self.sink.tables["interaction_rows"].values()
            if row["customer_id"] == answer["customer_id"] and row["type"] != "answer"
        ]
        last = max(rows, key=lambda row: row["started_at"])
        weight, total = (
            np.array([last[f"interaction_{one}_{part}"] for one in DIMENSIONS]) for part in ("weight", "sum")
        )
        alone = scores.mean(weight, total, prior, model.interaction)
        shift = np.array([last[f"{one}_score"] for one in DIMENSIONS]) - alone
        mean = scores.mean(weight, total, mean, model.interaction) + shift
        weights = np.array([model.scales[answer["scale"]].weights])
        return float(answer_moments(mean[np.newaxis], np.zeros((1, 3)), weights, model)[0][0])


@pytest.mark.parametrize("role", [SYMPTOM, CAUSE])
@pytest.mark.parametrize("story", [orders, videos])
def test_the_worker_says_what_an_evaluation_says(role: str, story: Any, tmp_path: Path) -> None:
    events, used = story(1), model(role, ORDERS if story is orders else VIDEO)
    whole = [place for place, one in enumerate(events) if one.get("attributes") == {"whole": "True"}]
    compare(events, whole, used, tmp_path)  # some after reviews of what never came


def test_so_it_does_with_a_model_that_was_fitted(tmp_path: Path) -> None:
    events = story_of_orders(350, seed=1)
    store = open_warehouse(filled(tmp_path / "first", events), create=False, read_only=True)
    try:
        used = fit(read_answers(store), DEFAULT_MODEL, "orders").model
    finally:
        store.close()
    assert used.predictor is not None
    assert {"measures.days", "attributes.kind"} <= set(used.predictor.features)
    used = replace(used, version="", effects={})  # of other interactions an answer hears them in its sums only
    used = replace(used, version=f"test-{used.digest()}")
    later = {"answer": 2 * HOUR_MS}  # when nothing more can come of the delivery
    some = [{**one, "segment": "", "occurred_at": one["occurred_at"] + later.get(one["type"], 0)} for one in events]
    told = {one["journey_id"] for one in events if one.get("measures")}  # the others may still be given
    answers = [place for place, one in enumerate(some) if one["type"] == "answer" and one["journey_id"] in told]
    compare(some, answers[::20], used, tmp_path)


def compare(events: list[Event], answers: list[int], used: Model, tmp_path: Path) -> None:
    """The worker's expectation just before the ``answers``, places in ``events``, is that of an evaluation."""
    (tmp_path / "model.toml").write_text(dump(used))
    store = open_warehouse(filled(tmp_path / "store", events, tmp_path / "model.toml"), create=False, read_only=True)
    try:
        sample = read(store, used)
    finally:
        store.close()
    center = moments_before(sample, used)[0]
    promised = {
        (sample.names[who], at_ms): value
        for who, at_ms, value in zip(sample.customer, sample.at_ms.tolist(), center.tolist(), strict=True)
    }
    worker, done = Worker(used), 0
    assert len(answers) > 15
    for place in answers:
        worker.take(events[done:place])
        one, done = events[place], place
        assert worker.expected(one) == pytest.approx(promised[one["customer_id"], one["occurred_at"]], abs=1e-9)
