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
from schemas.tables import DIMENSIONS
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


def partition(used: Model, state: dict[bytes, bytes], policy: Policy = Policy()) -> PartitionPipeline:
    return PartitionPipeline("t", 0, policy=policy, model=used, limits=Limits(), state=state)


def test_a_takeover_writes_the_same_rows_of_what_is_in_the_state() -> None:
    state: dict[bytes, bytes] = {}
    made, sink, again = partition(model(SYMPTOM), state), Sink(), Sink()
    for part in slices(journeys(300, seed=4), 25):
        sink.take(made.process([part]))
    again.write(partition(model(SYMPTOM), dict(state)).rewrite(-1))
    for table in ("interaction_rows", "customer_rows", "journey_rows"):
        held = {key: row for key, row in sink.tables[table].items() if key in again.tables[table]}
        assert held
        assert differences({table: held}, {table: again.tables[table]}) == []


def sizes(used: Model, events: list[Event], size: int) -> list[int]:
    """Bytes of the customers' state after every flush."""
    state: dict[bytes, bytes] = {}
    made, found = partition(used, state, Policy(explicit_retention_ms=40 * DAY_MS)), []
    for part in slices(events, size):
        made.process([part])
        found.append(sum(len(value) for key, value in state.items() if key[:1] == b"k"))
    return found


def test_what_was_carried_leaves_the_state_with_the_journey() -> None:
    ticks = [event(0, days * DAY_MS, "tick", "") for days in range(200, 399, 7)]
    with_trail, plain = (sizes(used, journeys(120, seed=5) + ticks, 5) for used in (model(SYMPTOM), DEFAULT_MODEL))
    assert with_trail[0] > plain[0]
    assert with_trail[-1] == plain[-1]


def test_a_journey_without_end_does_not_grow() -> None:
    use: dict[str, Any] = {"measures": {"days": 1}, "attributes": {"kind": "old"}}
    events = [event(number, number * 20 * HOUR_MS, "use", **use) for number in range(400)]
    found = sizes(model(SYMPTOM), events, 10)
    assert max(found[20:]) <= max(found[5:20])


def test_a_later_step_says_anew_what_was_said_before() -> None:
    """One observation per journey: of the purchase nothing is left once the delivery says more."""
    bought = event(1, 0, "purchase", journey_id="o", attributes={"kind": "old"})
    came = event(2, 3 * DAY_MS, "delivery", journey_id="o", measures={"days": 12})
    end = event(9, 6 * DAY_MS, "ad", customer="bob")
    made, sink = partition(replace(model(SYMPTOM), effects={}), {}), Sink()
    for part in slices([bought, came, end], 1):
        sink.take(made.process([part]))
    rows = {row["type"]: row for row in sink.tables["interaction_rows"].values()}
    [customer] = (row for row in sink.tables["customer_rows"].values() if row["customer_id"] == "ann")
    [journey] = sink.tables["journey_rows"].values()
    for place, name in enumerate(DIMENSIONS):
        points = [shift[place] for shift in ((-4.0, -6.0, -2.0), (-18.0, -9.0, -27.0))]
        explained = [(0.4, 0.2, 0.3)[place] * share for share in (0.2, 0.5)]
        weight = [208.0 / (258.0 * (1 - one) / one + 64.0) for one in explained]
        assert rows["purchase"][f"interaction_{name}_weight"] == pytest.approx(weight[0], abs=1e-9)
        assert rows["delivery"][f"interaction_{name}_weight"] == pytest.approx(weight[1], abs=1e-9)
        said = weight[1] * (70.0 + sum(points) / explained[1])
        assert rows["delivery"][f"interaction_{name}_sum"] == pytest.approx(said, abs=1e-9)
        assert customer[f"relationship_{name}_weight"] == pytest.approx(weight[1], abs=1e-9)
        assert customer[f"relationship_{name}_sum"] == pytest.approx(said, abs=1e-9)
        assert journey[f"interaction_{name}_sum"] == pytest.approx(said, abs=1e-9)
