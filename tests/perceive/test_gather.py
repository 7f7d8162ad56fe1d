"""Laws of the decayed sums: functions of the set, equal to the slow oracle, whatever order, slicing or correction."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.model import DEFAULT_MODEL
from pipeline.perceive import (
    STATED_SIGNAL,
    Evidence,
    Observations,
    gather,
    interaction_score,
    move,
    observe,
    segment_prior,
)
from pipeline.scores import relationship_mean
from tests.perceive import oracle
from tests.perceive.cases import DAY, NOW, World, worlds
from tests.perceive.conftest import MODEL
from tests.support.laws import tries

HALF_LIVES = st.sampled_from([DAY, MODEL.journey.half_life_ms, MODEL.relationship.half_life_ms, math.inf])
SHARES = {name: effect.shares for name, effect in MODEL.effects.items()}
TOLERANCE = 1e-9
laws = settings(max_examples=tries(60), deadline=None)


def observations(world: World) -> Observations:
    return observe(world.facts, world.closed, world.notes, world.strings, MODEL)


def one_group(obs: Observations, half_life_ms: float, reference_ms: int = NOW) -> Evidence:
    group = np.zeros(len(obs), np.int64)
    return gather(obs, group, 1, np.array([reference_ms]), half_life_ms)


def points(evidence: Evidence) -> NDArray[np.float64]:
    return relationship_mean(evidence.weight, evidence.sum, 70.0, MODEL)


def assert_same(one: Evidence, other: Evidence) -> None:
    for name in ("weight", "sum", "stated"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12, atol=TOLERANCE)
    np.testing.assert_allclose(points(one), points(other), rtol=0, atol=TOLERANCE)


@laws
@given(worlds())
def test_observations_equal_the_oracle(world: World) -> None:
    obs = observations(world)
    found = []
    for row, (fact, signal) in enumerate(zip(obs.fact.tolist(), obs.signal.tolist(), strict=True)):
        source = "answer" if signal == STATED_SIGNAL else MODEL.signal_names[signal]
        assert obs.stated[row] == (source == "answer")
        found.append(oracle.Seen(fact, source, int(obs.at_ms[row]), tuple(obs.weight[row]), tuple(obs.value[row])))
    expected = list(oracle.observations(world, SHARES))
    assert len(found) == len(expected)
    for one, other in zip(sorted(found), sorted(expected), strict=True):
        assert one[:3] == other[:3]
        assert one.weight == pytest.approx(other.weight, abs=1e-12)
        assert one.value == pytest.approx(other.value, abs=TOLERANCE)


@laws
@given(worlds(), HALF_LIVES)
def test_sums_equal_the_oracle(world: World, half_life_ms: float) -> None:
    obs = observations(world)
    evidence = gather(obs, obs.fact, len(world.facts), world.facts["end_ms"], half_life_ms)
    seen = list(oracle.observations(world, SHARES))
    for fact, reference_ms in enumerate(world.facts["end_ms"].tolist()):
        mine = [one for one in seen if one.fact == fact]
        weight, total, stated = oracle.decayed(mine, reference_ms, half_life_ms)
        np.testing.assert_allclose(evidence.weight[fact], weight, rtol=1e-9, atol=TOLERANCE)
        np.testing.assert_allclose(evidence.sum[fact], total, rtol=1e-9, atol=TOLERANCE)
        np.testing.assert_allclose(evidence.stated[fact], stated, rtol=1e-9, atol=TOLERANCE)


@laws
@given(worlds(least=2), HALF_LIVES, st.randoms(use_true_random=False))
def test_permutation_moves_nothing(world: World, half_life_ms: float, random: Any) -> None:
    order = list(range(len(world.known)))
    random.shuffle(order)
    place = {old: new for new, old in enumerate(order)}
    answers = [answer | {"owner": place[answer["owner"]]} for answer in world.answers]
    random.shuffle(answers)
    shuffled = World([world.known[i] for i in order], world.closed[order].tolist(), answers)
    assert_same(one_group(observations(shuffled), half_life_ms), one_group(observations(world), half_life_ms))


@laws
@given(worlds(), st.data())
def test_observations_come_in_an_order_of_the_set(world: World, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(world.answers))))
    hashed = [answer | {"event_hash": i} for i, answer in enumerate(world.answers)]
    one = observations(World(world.known, world.closed.tolist(), hashed))
    other = observations(World(world.known, world.closed.tolist(), [hashed[i] for i in order]))
    for name in ("fact", "at_ms", "weight", "value", "stated", "signal"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (np.diff(one.fact) >= 0).all()
    key = one.fact * 100 + one.signal
    assert (np.diff(key) >= 0).all()


@laws
@given(worlds(least=2), HALF_LIVES, st.data())
def test_slicing_moves_nothing(world: World, half_life_ms: float, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(world.known)))
    parts = []
    for low, high in ((0, cut), (cut, len(world.known))):
        mine = [a | {"owner": a["owner"] - low} for a in world.answers if low <= a["owner"] < high]
        parts.append(observations(World(world.known[low:high], world.closed[low:high].tolist(), mine)))
    sums = [one_group(part, half_life_ms) for part in parts]
    assert_same(sums[0] + sums[1], one_group(observations(world), half_life_ms))


@laws
@given(worlds(), HALF_LIVES, st.data())
def test_merging_is_addition_at_a_common_time(world: World, half_life_ms: float, data: st.DataObject) -> None:
    obs = observations(world)
    mine = np.array(data.draw(st.lists(st.booleans(), min_size=len(obs), max_size=len(obs))), dtype=np.bool_)
    times = [NOW - data.draw(st.integers(0, 30 * DAY)) for _ in range(2)]
    parts = [one_group(obs.take(rows), half_life_ms, at) for rows, at in zip((mine, ~mine), times, strict=True)]
    brought = [move(part, at, NOW, half_life_ms) for part, at in zip(parts, times, strict=True)]
    assert_same(brought[0] + brought[1], one_group(obs, half_life_ms))


@laws
@given(worlds(), HALF_LIVES, st.data())
def test_retracting_restores_the_rest(world: World, half_life_ms: float, data: st.DataObject) -> None:
    obs = observations(world)
    gone = np.array(data.draw(st.lists(st.booleans(), min_size=len(obs), max_size=len(obs))), dtype=np.bool_)
    rest = one_group(obs, half_life_ms) - one_group(obs.take(gone), half_life_ms)
    assert_same(rest, one_group(obs.take(~gone), half_life_ms))


@laws
@given(worlds(), HALF_LIVES, st.randoms(use_true_random=False))
def test_late_is_in_order(world: World, half_life_ms: float, random: Any) -> None:
    """The update rules of PERCEPTION.md, one observation after the other in any order, end at the same sums."""
    obs = observations(world)
    rows = list(range(len(obs)))
    random.shuffle(rows)
    latest, weight, total = -(10**15), np.zeros(3), np.zeros(3)
    for row in rows:
        at, w, y = int(obs.at_ms[row]), obs.weight[row], obs.value[row]
        if at >= latest:
            fade = 2.0 ** (-(at - latest) / half_life_ms)
            weight, total, latest = weight * fade + w, total * fade + w * y, at
        else:
            fade = 2.0 ** (-(latest - at) / half_life_ms)
            weight, total = weight + w * fade, total + w * y * fade
    if rows:
        evidence = one_group(obs, half_life_ms, latest)
        np.testing.assert_allclose(evidence.weight[0], weight, rtol=1e-12, atol=TOLERANCE)
        np.testing.assert_allclose(evidence.sum[0], total, rtol=1e-12, atol=TOLERANCE)


@laws
@given(worlds(), st.integers(0, 200 * DAY))
def test_a_reference_before_the_observation_is_the_same_evidence(world: World, before: int) -> None:
    obs = observations(world)
    half_life_ms = MODEL.journey.half_life_ms
    early = one_group(obs, half_life_ms, NOW - before)
    assert_same(move(early, NOW - before, NOW, half_life_ms), one_group(obs, half_life_ms))


@laws
@given(worlds())
def test_stated_is_the_part_of_the_answers(world: World) -> None:
    obs = observations(world)
    evidence = one_group(obs, MODEL.journey.half_life_ms)
    answered = one_group(obs.take(obs.stated), MODEL.journey.half_life_ms)
    np.testing.assert_allclose(evidence.stated, answered.weight, rtol=1e-12)
    assert (evidence.stated <= evidence.weight + 1e-12).all()


def test_half_the_weight_after_one_half_life() -> None:
    evidence = Evidence(np.array([[1.0, 2.0, 4.0]]), np.array([[50.0, 60.0, 70.0]]), np.array([[1.0, 0.0, 2.0]]))
    moved = move(evidence, NOW, NOW + 14 * DAY, 14.0 * DAY)
    assert moved.weight.tolist() == [[0.5, 1.0, 2.0]]
    assert moved.sum.tolist() == [[25.0, 30.0, 35.0]]
    assert moved.stated.tolist() == [[0.5, 0.0, 1.0]]


def test_move_takes_a_time_per_group() -> None:
    evidence = Evidence(np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 3)))
    moved = move(evidence, np.array([NOW, NOW - 14 * DAY]), NOW, 14.0 * DAY)
    assert moved.weight[:, 0].tolist() == [1.0, 0.5]


def test_groups_without_observations_have_no_evidence() -> None:
    nothing = observe(
        World([], [], []).facts, np.zeros(0, np.bool_), World([], [], []).notes, World([], [], []).strings, MODEL
    )
    evidence = gather(nothing, np.zeros(0, np.int64), 2, np.array([NOW, NOW]), DAY)
    assert_same(evidence, Evidence.none(2))
    assert interaction_score(evidence, np.array([[70.0] * 3, [64.0, 65.0, 66.0]])).tolist() == [
        [70.0] * 3,
        [64.0, 65.0, 66.0],
    ]


def test_one_full_answer_moves_a_fresh_interaction_by_its_share() -> None:
    evidence = Evidence(np.full((1, 3), 1.0), np.full((1, 3), 20.0), np.full((1, 3), 1.0))
    expected = (3.25 * 70 + 20) / 4.25
    assert interaction_score(evidence, np.full((1, 3), 70.0))[0] == pytest.approx([expected] * 3)


def test_segments_have_their_own_prior() -> None:
    world = World([{"segment": s, "types": ("call",)} for s in ("", "home", "business", "new")], [False] * 4, [])
    found = segment_prior(world.facts["segment"], world.strings, MODEL)
    assert found.tolist() == [[70.0] * 3, [64.0] * 3, [75.0] * 3, [70.0] * 3]
    assert segment_prior(world.facts["segment"], world.strings, DEFAULT_MODEL).tolist() == [[70.0] * 3] * 4
    own = replace(DEFAULT_MODEL, prior_mean=(71.0, 68.0, 70.0), segments={"home": (60.0, 61.0, 62.0), "business": 75.0})
    found = segment_prior(world.facts["segment"], world.strings, own)
    assert found.tolist() == [[71.0, 68.0, 70.0], [60.0, 61.0, 62.0], [75.0] * 3, [71.0, 68.0, 70.0]]
