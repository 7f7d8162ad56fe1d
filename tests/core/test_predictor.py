"""With a fitted predictor, too: any order, any slicing, any repetition, the same tables; and what it says is right."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.model import DEFAULT_MODEL, Model
from pipeline.partition import PartitionPipeline
from pipeline.policy import DAY_MS, HOUR_MS, Policy
from pipeline.predictor import CAUSE, SYMPTOM, Bins, Feature, Levels, Line, Predictor
from schemas.limits import Limits
from tests.core.harness import FOREVER, Event, Sink, differences, event, random_events, slices

FEATURES: dict[str, Feature] = {
    "measures.mos": Line((9.0, 4.0, 6.0), 0.5, 0.0, 1.0, (0.3, 0.3, 0.3), missing=(-1.0, -2.0, -3.0), types=("call",)),
    "measures.speed": Bins((2.0, 5.0), ((-3.0,) * 3, (0.0,) * 3, (2.0,) * 3), (0.1, 0.1, 0.1)),
    "attributes.device": Levels({"old": (-4.0, -6.0, -2.0), "new": (2.0, 3.0, 1.0)}, (0.2, 0.2, 0.2)),
    "outcome": Levels({"failed": (-9.0, -3.0, -5.0)}, (0.2, 0.2, 0.2), other=(1.0, 1.0, 1.0)),
    "wait_s": Line((-2.0, -5.0, -3.0), 3.0, 1.0, 100.0, (0.1, 0.1, 0.1), logarithm=True),
    "signals.resolved": Line((8.0, 4.0, 2.0), 0.7, 0.0, 1.0, (0.1, 0.1, 0.1)),
}


STAYING = "cause that stays"
STAYS = (0.1, 0.4)


def model(role: str) -> Model:
    """The start model with a predictor."""
    predictor = Predictor(CAUSE if role == STAYING else role, (0.4, 0.2, 0.3), FEATURES)
    if role == STAYING:
        predictor = replace(predictor, constant=(0.5, -0.5, 0.25), stays=STAYS)
    named = replace(DEFAULT_MODEL, version="", predictor=predictor)
    return replace(named, version=f"test-{named.digest()}")


def stories(count: int, seed: int) -> list[Event]:
    """Seeded events of which most carry measures and attributes, some long after their interaction began."""
    draw = random.Random(seed)
    events = random_events(count, seed=seed)
    for one in events:
        if draw.random() < 0.6:
            one["measures"] = {"mos": draw.random(), "speed": draw.random() * 9, "unused": 1.0}
        if draw.random() < 0.6:
            one["attributes"] = {"device": draw.choice(["old", "new", "odd"]), "unused": "x"}
    return events


def run(events: Sequence[Event], role: str, size: int = 10_000, policy: Policy = Policy()) -> Sink:
    made, sink = PartitionPipeline("t", 0, policy=policy, model=model(role), limits=Limits(), state={}), Sink()
    for part in slices(events, size):
        sink.take(made.process([part]))
    return sink


@pytest.mark.parametrize("role", [SYMPTOM, CAUSE, STAYING])
@pytest.mark.parametrize(("size", "lateness_days"), [(7, 1), (100, 1), (7, 500)])
def test_slicing_does_not_show(role: str, size: int, lateness_days: int) -> None:
    events, policy = stories(700, seed=11), Policy(lateness_ms=lateness_days * DAY_MS)
    assert differences(run(events, role, policy=policy).tables, run(events, role, size, policy).tables) == []


@pytest.mark.parametrize("role", [SYMPTOM, CAUSE, STAYING])
def test_order_and_repetition_do_not_show(role: str) -> None:
    events = stories(700, seed=2)
    shuffled = random.Random(2).sample([*events, *events[::3]], len(events) + len(events[::3]))
    assert differences(run(events, role, policy=FOREVER).tables, run(shuffled, role, 50, FOREVER).tables) == []


def test_a_takeover_writes_the_same_rows() -> None:
    events = stories(300, seed=4)
    state: dict[bytes, bytes] = {}
    made, sink, again = (
        PartitionPipeline("t", 0, policy=FOREVER, model=model(SYMPTOM), limits=Limits(), state=state),
        Sink(),
        Sink(),
    )
    for part in slices(events, 90):
        flush = made.process([part])
        sink.take(flush)
    again.write(
        PartitionPipeline("t", 0, policy=FOREVER, model=model(SYMPTOM), limits=Limits(), state=dict(state)).rewrite(-1)
    )
    for table in ("interaction_rows", "customer_rows", "journey_rows"):
        assert differences({table: sink.tables[table]}, {table: again.tables[table]}) == []


def test_a_symptom_is_one_observation() -> None:
    call = event(1, 0, "call", measures={"mos": 1.0}, attributes={"device": "new"}, outcome="completed")
    later = event(2, 30 * DAY_MS, "ad", customer="bob")
    [row] = [one for one in run([call, later], SYMPTOM).tables["interaction_rows"].values() if one["type"] == "call"]
    shift = np.array([4.5 + 2.0 + 1.0, 2.0 + 3.0 + 1.0, 3.0 + 1.0 + 1.0])
    explained = np.array([0.4, 0.2, 0.3]) * (0.3 + 0.2 + 0.2)
    weight = 208.0 / (258.0 * (1 - explained) / explained + 64.0)
    names = ("meets_needs", "easy", "enjoyable")
    unresolved_free = [row[f"interaction_{name}_weight"] for name in names]
    assert unresolved_free == pytest.approx(weight + beside(), abs=1e-12)
    told = [row[f"interaction_{name}_sum"] for name in names]
    assert told == pytest.approx(weight * (70.0 + shift / explained) + beside_sum(), abs=1e-9)


def beside() -> Any:
    """Weight of the signals beside the predictor on a plain closed call: complaint did not happen."""
    effect = DEFAULT_MODEL.effects["complaint"]
    return np.multiply(DEFAULT_MODEL.signal_weight(effect), effect.shares)


def beside_sum() -> Any:
    effect = DEFAULT_MODEL.effects["complaint"]
    return beside() * (70.0 + effect.shift(np.zeros(1))[0] / effect.explained)


def test_a_cause_frees_answers_and_moves_the_interaction_alone() -> None:
    """What is not known of an interaction that was asked about is missing: -2 points on easy."""
    told: dict[str, Any] = {"measures": {"mos": 1.0}, "interaction_id": "i"}
    said: dict[str, Any] = {"scale": "cxi_easy", "value": 3, "interaction_id": "i"}
    events = [event(1, 0, "browse", **told), event(2, HOUR_MS, "answer", **said)]
    plain = [event(1, 0, "browse", interaction_id="i"), event(2, HOUR_MS, "answer", **said)]
    [one], [other] = (list(run(given, CAUSE).tables["interaction_rows"].values()) for given in (events, plain))
    assert one["interaction_easy_stated"] == other["interaction_easy_stated"] == 1.0
    assert one["interaction_easy_sum"] - other["interaction_easy_sum"] == pytest.approx(-4.0)
    assert one["easy_score"] == pytest.approx(other["easy_score"] - 4.0 / 4.25 + 4.0)


def test_a_part_of_a_cause_stays_with_the_customer_and_fades() -> None:
    told: dict[str, Any] = {"measures": {"mos": 0.0}, "interaction_id": "i"}
    events = [event(1, 0, "browse", **told), event(2, 14 * DAY_MS, "browse", interaction_id="j")]
    moving, still = (
        next(iter(run([*given, event(3, 40 * DAY_MS, "ad", customer="bob")], STAYING).tables["customer_rows"].values()))
        for given in (events, [{**events[0], "measures": {"mos": 0.5}}, events[1]])
    )
    caused = np.array([-4.5, -2.0, -3.0])
    for place, name in enumerate(("meets_needs", "easy", "enjoyable")):
        for horizon, kept in (("relationship", STAYS[0] * 2.0 ** (-14 / 90)), ("journey", STAYS[1] / 2.0)):
            column = f"{horizon}_{name}_sum"
            prior = getattr(DEFAULT_MODEL, horizon).prior_weight
            assert moving[column] - still[column] == pytest.approx(prior * kept * caused[place], abs=1e-9)
            assert moving[f"{horizon}_{name}_weight"] == still[f"{horizon}_{name}_weight"]


def test_a_model_without_a_predictor_keeps_no_notes() -> None:
    sizes = []
    for given in (DEFAULT_MODEL, model(SYMPTOM)):
        state: dict[bytes, bytes] = {}
        made = PartitionPipeline("t", 0, policy=FOREVER, model=given, limits=Limits(), state=state)
        for part in slices(stories(100, seed=5), 100):
            made.process([part])
        sizes.append(sum(map(len, state.values())))
    plain: dict[bytes, bytes] = {}
    made = PartitionPipeline("t", 0, policy=FOREVER, model=DEFAULT_MODEL, limits=Limits(), state=plain)
    bare = [
        {name: value for name, value in one.items() if name not in {"measures", "attributes"}}
        for one in stories(100, seed=5)
    ]
    for part in slices(bare, 100):
        made.process([part])
    assert sizes[0] == sum(map(len, plain.values())) < sizes[1]
