"""Observations: the cap, the time of answers and signals, what one-way facts are kept from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from pipeline.model import DEFAULT_MODEL
from pipeline.perceive import STATED_SIGNAL, observe
from pipeline.strings import Strings
from tests.perceive.cases import HOUR, NOW, World, facts_of, notes_of, one_answer, worlds
from tests.perceive.conftest import MODEL
from tests.support.laws import tries

ALL_BAD = {
    "types": ("call", "complaint", "failure", "payment"),
    "flags": ("failed_payment",),
    "resolved": 0,
    "transfers": 4,
    "promised_s": 10.0,
    "wait_s": 100.0,
}


def test_many_signals_are_capped_in_proportion(strings: Strings) -> None:
    obs = observe(facts_of(ALL_BAD), np.array([True]), notes_of(strings), strings, DEFAULT_MODEL)
    assert len(obs) == 7
    free = replace(DEFAULT_MODEL, implicit_cap=100.0)
    uncapped = observe(facts_of(ALL_BAD), np.array([True]), notes_of(strings), strings, free)
    totals = uncapped.weight.sum(axis=0)
    assert totals[0] > 0.38
    assert totals[2] < 0.38
    np.testing.assert_allclose(obs.weight, uncapped.weight * np.minimum(1, 0.38 / totals), rtol=1e-12)


def test_few_signals_keep_their_weight(strings: Strings) -> None:
    facts = facts_of({"types": ("chat",), "transfers": 2})
    obs = observe(facts, np.array([False]), notes_of(strings), strings, DEFAULT_MODEL)
    full = 208 / (258 * 0.945 / 0.055 + 64)
    assert obs.weight[0] == pytest.approx([full * 0.3, full, full * 0.4])


@pytest.mark.parametrize(("explained", "weight"), [(0.05, 0.042), (0.10, 0.087), (0.20, 0.19), (0.35, 0.38)])
def test_weights_of_the_document(explained: float, weight: float) -> None:
    effect = replace(DEFAULT_MODEL.effects["complaint"], explained=explained)
    assert DEFAULT_MODEL.signal_weight(effect) == pytest.approx(weight, rel=0.02)


@settings(max_examples=tries(60), deadline=None)
@given(worlds())
def test_the_cap_holds_for_every_fact_and_dimension(world: World) -> None:
    obs = observe(world.facts, world.closed, world.notes, world.strings, MODEL)
    implied = obs.take(~obs.stated)
    for dimension in range(3):
        totals = np.bincount(implied.fact, implied.weight[:, dimension], minlength=len(world.facts))
        assert (totals <= 0.38 + 1e-12).all()


@settings(max_examples=tries(60), deadline=None)
@given(worlds())
def test_answers_leave_the_signals_alone(world: World) -> None:
    silent = World(world.known, world.closed.tolist(), [])
    with_answers = observe(world.facts, world.closed, world.notes, world.strings, MODEL)
    without = observe(silent.facts, silent.closed, silent.notes, silent.strings, MODEL)
    implied = with_answers.take(~with_answers.stated)
    np.testing.assert_array_equal(implied.weight, without.weight)
    np.testing.assert_array_equal(implied.value, without.value)


def test_an_answer_counts_at_its_own_time_and_before_the_signals(strings: Strings) -> None:
    facts = facts_of({"types": ("call", "complaint"), "start_ms": NOW - HOUR, "end_ms": NOW})
    notes = one_answer(strings, "csat", 1.0, at_ms=NOW - HOUR // 2)
    obs = observe(facts, np.array([False]), notes, strings, DEFAULT_MODEL)
    assert obs.at_ms.tolist() == [NOW - HOUR // 2, NOW]
    assert obs.stated.tolist() == [True, False]
    assert obs.signal.tolist() == [STATED_SIGNAL, DEFAULT_MODEL.signal_names.index("complaint")]


def test_one_way_facts_have_no_observations_not_even_answers(strings: Strings) -> None:
    facts = facts_of({"types": ("ad",), "resolved": 0, "transfers": 5, "promised_s": 1.0, "wait_s": 9.0})
    obs = observe(facts, np.array([True]), one_answer(strings, "nps", 10.0), strings, DEFAULT_MODEL)
    assert len(obs) == 0


def test_a_model_without_a_signal_does_not_hear_it(strings: Strings) -> None:
    effects = {name: effect for name, effect in DEFAULT_MODEL.effects.items() if name != "complaint"}
    model = replace(DEFAULT_MODEL, effects=effects)
    obs = observe(facts_of({"types": ("complaint",)}), np.array([True]), notes_of(strings), strings, model)
    assert len(obs) == 0


def test_a_model_without_signals_hears_answers_alone(strings: Strings) -> None:
    model = replace(DEFAULT_MODEL, effects={})
    obs = observe(facts_of(ALL_BAD), np.array([True]), one_answer(strings, "ces", 7.0), strings, model)
    assert obs.stated.tolist() == [True]


def test_values_start_from_the_prior_of_the_segment(strings: Strings) -> None:
    facts = facts_of({"types": ("complaint",), "segment": "home"}, {"types": ("complaint",)}, strings=strings)
    obs = observe(facts, np.array([False, False]), notes_of(strings), strings, MODEL)
    assert obs.value[:, 0] == pytest.approx([64 - 13.6 / 0.117, 70 - 13.6 / 0.117])
