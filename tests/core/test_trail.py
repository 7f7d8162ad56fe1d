"""What a predictor says of a journey: a function of the set of events, whatever left the state in between."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model import DEFAULT_MODEL, Model
from pipeline.partition import PartitionPipeline
from pipeline.policy import DAY_MS, HOUR_MS, Policy
from pipeline.predictor import CAUSE, SYMPTOM, Feature, Levels, Line, Predictor
from schemas.limits import Limits
from tests.core.harness import FOREVER, Event, Sink, differences, event, slices
from tests.support.laws import tries

FEATURES: dict[str, Feature] = {
    "measures.days": Line((-2.0, -1.0, -3.0), 3.0, 0.0, 20.0, (0.3,) * 3, missing=(-8.0,) * 3, types=("delivery",)),
    "attributes.kind": Levels({"old": (-4.0, -6.0, -2.0), "new": (2.0, 3.0, 1.0)}, (0.2,) * 3, types=("purchase",)),
    "wait_s": Line((-2.0, -5.0, -3.0), 3.0, 1.0, 100.0, (0.1,) * 3, logarithm=True),
    "outcome": Levels({"failed": (-9.0, -3.0, -5.0)}, (0.2,) * 3, other=(1.0,) * 3),
    "signals.resolved": Line((8.0, 4.0, 2.0), 0.7, 0.0, 1.0, (0.2,) * 3),
}
KINDS = ("purchase", "delivery", "call", "browse", "use", "answer", "ad", "message", "complaint")


def model(role: str) -> Model:
    named = replace(DEFAULT_MODEL, version="", predictor=Predictor(role, (0.4, 0.2, 0.3), FEATURES))
    return replace(named, version=f"test-{named.digest()}")


def journeys(count: int, *, seed: int, customers: int = 3, days: float = 60.0) -> list[Event]:
    """Seeded events of journeys of many interactions, some of which never end, in order of time."""
    draw = random.Random(f"journeys {seed}")
    return sorted((_one(draw, number, customers, days) for number in range(count)), key=lambda one: one["occurred_at"])


def _one(draw: random.Random, number: int, customers: int, days: float) -> Event:
    kind, person = draw.choice(KINDS), draw.randrange(customers)
    made = event(number, round(draw.random() * days * 24) * HOUR_MS, kind, f"c{person}")
    options: dict[str, tuple[float, Any]] = {
        "journey_id": (0.3, lambda: f"o{draw.randrange(6)}"),
        "interaction_id": (0.15, lambda: f"i{person}-{draw.randrange(4)}"),
        "goal": (0.2, lambda: "fix"),
        "segment": (0.3, lambda: draw.choice(["gold", "basic"])),
        "outcome": (0.2, lambda: draw.choice(["completed", "failed"])),
        "resolved": (0.3, lambda: draw.random() < 0.5),
        "wait_s": (0.2, lambda: 1 + draw.random() * 50),
        "measures": (0.2 + 0.6 * (kind == "delivery"), lambda: {"days": draw.randrange(9)}),
        "attributes": (0.7 * (kind == "purchase"), lambda: {"kind": draw.choice(["old", "new", "odd"])}),
    }
    made |= {name: value() for name, (chance, value) in options.items() if draw.random() < chance}
    if kind == "answer":
        made |= {"scale": draw.choice(["csat", "cxi_easy"]), "value": 1 + draw.randrange(5)}
        made["value"] = min(made["value"], 3) if made["scale"] == "cxi_easy" else made["value"]
    return made


def run(events: list[Event], role: str, size: int = 10_000, policy: Policy = Policy()) -> Sink:
    made, sink = PartitionPipeline("t", 0, policy=policy, model=model(role), limits=Limits(), state={}), Sink()
    for part in slices(events, size):
        sink.take(made.process([part]))
    return sink


@pytest.mark.parametrize("role", [SYMPTOM, CAUSE])
@pytest.mark.parametrize(("size", "seed"), [(1, 0), (7, 1), (60, 2)])
def test_slicing_does_not_show(role: str, size: int, seed: int) -> None:
    events = journeys(350, seed=seed)
    assert differences(run(events, role).tables, run(events, role, size).tables) == []


@pytest.mark.parametrize("seed", range(3))
def test_order_and_repetition_do_not_show(seed: int) -> None:
    events = journeys(300, seed=seed)
    shuffled = random.Random(seed).sample([*events, *events[::3]], len(events) + len(events[::3]))
    assert differences(run(events, SYMPTOM, policy=FOREVER).tables, run(shuffled, SYMPTOM, 40, FOREVER).tables) == []


@pytest.mark.parametrize("seed", range(4))
def test_input_late_within_the_lateness_gives_the_same_tables(seed: int) -> None:
    events = journeys(500, seed=seed)
    draw = random.Random(seed)
    late = sorted(events, key=lambda one: one["occurred_at"] + draw.random() ** 3 * 0.95 * DAY_MS)
    sink = run(late, SYMPTOM, 11)
    assert sink.counts["late"] == 0
    assert differences(run(events, SYMPTOM).tables, sink.tables) == []


@settings(max_examples=tries(15), deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 50), st.integers(1, 20))
def test_laws_hold_for_small_histories(seed: int, count: int, size: int) -> None:
    events = journeys(count, seed=seed, customers=1, days=20)
    shuffled = random.Random(seed).sample(events, count)
    assert differences(run(events, SYMPTOM, policy=FOREVER).tables, run(shuffled, SYMPTOM, size, FOREVER).tables) == []
