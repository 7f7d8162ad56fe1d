"""The contract suite of signals: every module of pipeline/signals is found and judged, a new one without an edit."""

from __future__ import annotations

import importlib
import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.model import DEFAULT_MODEL
from pipeline.perceive import Observations, observe
from pipeline.signals import Signal, discover
from pipeline.strings import Strings
from schemas.event import CASE_STATUSES, ONE_WAY_TYPES
from tests.perceive.cases import FLAGS, HOUR, NOW, TWO_WAY_TYPES, facts_of, known_facts, notes_of
from tests.support.laws import tries

SIGNALS = list(discover().values())
every_signal = pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)


def alone(signal: Signal, facts: NDArray[Any], *, closed: bool) -> Observations:
    """Observations of one signal, the only one of its model."""
    model = replace(DEFAULT_MODEL, effects={signal.name: DEFAULT_MODEL.effects[signal.name]})
    strings = Strings()
    return observe(facts, np.full(len(facts), closed), notes_of(strings), strings, model)


def everything() -> list[dict[str, Any]]:
    """A grid of facts on which a signal should speak somewhere."""
    flags = [(), *((name,) for name in FLAGS)]
    details: list[dict[str, Any]] = [
        {},
        {"resolved": 0},
        {"resolved": 1},
        {"transfers": 0},
        {"transfers": 3},
        {"severity": 4},
        {"visible": 1},
        {"amount": -5.0},
        {"duration_s": 60.0},
        {"skill": 1, "skill_needed": 2},
        {"promised_s": 60.0, "duration_s": 90.0, "resolved": 1},
        *({"promised_s": 60.0, "wait_s": wait} for wait in (0.0, 30.0, 60.0, 6000.0)),
        {"promised_s": 60.0, "start_ms": NOW - HOUR},
        *({"status": status} for status in CASE_STATUSES),
    ]
    return [
        {"types": (name,), "flags": chosen} | detail
        for name, chosen, detail in itertools.product(TWO_WAY_TYPES, flags, details)
    ]


@every_signal
def test_is_documented_with_its_source(signal: Signal) -> None:
    module = importlib.import_module(f"pipeline.signals.{signal.name}")
    assert "R²" in (module.__doc__ or "")
    assert "PERCEPTION" in (module.__doc__ or "")
    assert signal.meaning
    assert signal.applies.__doc__
    assert signal.observed.__doc__


@every_signal
def test_the_start_model_names_it(signal: Signal) -> None:
    assert DEFAULT_MODEL.effects[signal.name] == signal.start


@every_signal
def test_speaks_somewhere(signal: Signal) -> None:
    assert len(alone(signal, facts_of(*everything()), closed=True))


@every_signal
def test_weights_are_within_the_cap(signal: Signal) -> None:
    obs = alone(signal, facts_of(*everything()), closed=True)
    shares = np.array(signal.start.shares)
    assert (obs.weight[:, shares > 0] > 0).all()
    assert (obs.weight[:, shares == 0] == 0).all()
    assert obs.weight.max() <= DEFAULT_MODEL.implicit_cap + 1e-12


@every_signal
def test_values_are_finite_and_the_same_for_all_dimensions(signal: Signal) -> None:
    obs = alone(signal, facts_of(*everything()), closed=True)
    assert np.isfinite(obs.value).all()
    assert (np.ptp(obs.value, axis=1) == 0).all()
    assert not obs.stated.any()


@every_signal
def test_speaks_once_per_fact_at_its_end(signal: Signal) -> None:
    facts = facts_of(*everything())
    facts["end_ms"] += np.arange(len(facts))
    obs = alone(signal, facts, closed=True)
    assert len(np.unique(obs.fact)) == len(obs)
    assert (obs.at_ms == facts["end_ms"][obs.fact]).all()


@every_signal
@pytest.mark.parametrize("one_way", sorted(ONE_WAY_TYPES))
def test_is_silent_on_one_way_facts(signal: Signal, one_way: str) -> None:
    facts = facts_of(*(fact | {"types": (one_way,)} for fact in everything()))
    assert not len(alone(signal, facts, closed=True))


@every_signal
def test_is_silent_where_it_does_not_apply_or_is_unknown(signal: Signal) -> None:
    facts = facts_of(*everything())
    silent = ~signal.applies(facts) | np.isnan(signal.observed(facts))
    obs = alone(signal, facts, closed=True)
    assert not silent[obs.fact].any()
    assert len(obs) == (~silent).sum()


@every_signal
def test_nothing_known_says_nothing_before_the_end(signal: Signal) -> None:
    facts = facts_of(*({"types": (name,)} for name in TWO_WAY_TYPES if name not in {"complaint", "failure"}))
    assert not len(alone(signal, facts, closed=False))


@every_signal
def test_closing_adds_and_never_changes(signal: Signal) -> None:
    facts = facts_of(*everything())
    early, late = alone(signal, facts, closed=False), alone(signal, facts, closed=True)
    kept = late.take(np.isin(late.fact, early.fact))
    for name in ("fact", "at_ms", "weight", "value"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(early, name))


@every_signal
@settings(max_examples=tries(20), deadline=None)
@given(known=st.lists(known_facts(), min_size=1, max_size=6), data=st.data())
def test_is_order_free(signal: Signal, known: list[dict[str, Any]], data: st.DataObject) -> None:
    strings = Strings()
    facts = facts_of(*known, strings=strings)
    order = np.array(data.draw(st.permutations(range(len(known)))))
    one, other = alone(signal, facts, closed=True), alone(signal, facts[order], closed=True)
    back = np.argsort(order[other.fact], kind="stable")
    np.testing.assert_array_equal(order[other.fact][back], one.fact)
    np.testing.assert_array_equal(other.value[back], one.value)
    np.testing.assert_array_equal(other.weight[back], one.weight)


def shift(name: str, fact: dict[str, Any], *, closed: bool = True) -> float | None:
    """Shift b of one signal on one fact, score points; None = no observation."""
    signal = discover()[name]
    obs = alone(signal, facts_of(fact), closed=closed)
    return round(float(obs.value[0, 0] - 70) * signal.start.explained, 9) if len(obs) else None


@pytest.mark.parametrize(
    ("name", "fact", "expected"),
    [
        ("resolved", {"types": ("call",), "resolved": 0}, -23.7),
        ("resolved", {"types": ("call",), "resolved": 1}, 5.9),
        ("resolved", {"types": ("call",)}, None),
        ("resolved", {"types": ("browse",), "resolved": 0}, None),
        ("transfers", {"types": ("chat",), "transfers": 2}, -5.7),
        ("transfers", {"types": ("chat",), "transfers": 1}, 2.5),
        ("transfers", {"types": ("chat",)}, None),
        ("complaint", {"types": ("complaint",)}, -13.6),
        ("complaint", {"types": ("call", "complaint")}, -13.6),
        ("complaint", {"types": ("call",)}, 2.2),
        ("complaint", {"types": ("purchase",)}, None),
        ("wait", {"types": ("call",), "promised_s": 60.0, "wait_s": 120.0}, -6.0),
        ("wait", {"types": ("call",), "promised_s": 60.0, "wait_s": 30.0}, 6.0),
        ("wait", {"types": ("call",), "promised_s": 60.0, "wait_s": 6e9}, -12.0),
        ("wait", {"types": ("call",), "promised_s": 60.0, "wait_s": 0.0}, 12.0),
        ("wait", {"types": ("call",), "wait_s": 120.0}, None),
        ("wait", {"types": ("call",), "promised_s": 60.0, "start_ms": NOW - HOUR}, None),
        ("wait", {"types": ("delivery",), "promised_s": 1800.0, "start_ms": NOW - HOUR}, -6.0),
        ("wait", {"types": ("delivery",), "promised_s": 7200.0, "start_ms": NOW - HOUR}, None),
        ("wait", {"types": ("case",), "promised_s": 1800.0, "start_ms": NOW - HOUR, "status": "closed"}, None),
        ("wait", {"types": ("case",), "promised_s": 1800.0, "start_ms": NOW - HOUR, "resolved": 1}, None),
        ("failed_payment", {"types": ("payment",), "flags": ("failed_payment",)}, -8.0),
        ("failed_payment", {"types": ("payment",)}, 0.421052632),
        ("failed_payment", {"types": ("use",)}, None),
        ("failure", {"types": ("failure",)}, -8.0),
        ("failure", {"types": ("use",)}, 0.421052632),
        ("failure", {"types": ("call",)}, None),
        ("refund", {"types": ("payment",), "flags": ("refund",)}, 3.0),
        ("refund", {"types": ("payment",)}, -0.157894737),
        ("proactive", {"types": ("proactive_service",), "flags": ("seen",)}, 3.0),
        ("proactive", {"types": ("proactive_service",), "flags": ("unseen",)}, None),
        ("proactive", {"types": ("proactive_service",)}, None),
        ("proactive", {"types": ("proactive_service",), "flags": ("seen", "cancelled")}, None),
        ("repeat_contact", {"types": ("call",), "flags": ("asked", "repeat")}, -8.4),
        ("repeat_contact", {"types": ("call",), "flags": ("asked", "other_channel")}, 3.3),
        ("repeat_contact", {"types": ("call",)}, None),
        ("other_channel", {"types": ("call",), "flags": ("asked", "other_channel")}, -5.7),
        ("other_channel", {"types": ("call",), "flags": ("asked", "repeat")}, 2.4),
        ("other_channel", {"types": ("call",)}, None),
        ("severity", {"types": ("failure",), "severity": 4}, -8.0),
        ("severity", {"types": ("failure",), "severity": 2}, 0.0),
        ("severity", {"types": ("failure",), "severity": 1}, 4.0),
        ("severity", {"types": ("failure",)}, None),
        ("severity", {"types": ("complaint",), "severity": 4}, None),
        ("wrong_bill", {"types": ("use",), "flags": ("wrong_bill",)}, -8.0),
        ("wrong_bill", {"types": ("use",), "flags": ("bill",)}, 0.421052632),
        ("wrong_bill", {"types": ("use",)}, None),
        ("installation", {"types": ("installation",), "flags": ("missed",)}, -8.0),
        ("installation", {"types": ("installation",), "flags": ("on_time",)}, 1.411764706),
        ("installation", {"types": ("installation",), "promised_s": 60.0, "wait_s": 61.0}, -8.0),
        ("installation", {"types": ("installation",), "promised_s": 60.0, "duration_s": 60.0}, 1.411764706),
        ("installation", {"types": ("installation",), "promised_s": 60.0}, None),
        ("installation", {"types": ("delivery",), "flags": ("missed",)}, None),
        ("speed", {"types": ("case",), "promised_s": 1800.0, "start_ms": NOW - HOUR, "status": "closed"}, -6.0),
        ("speed", {"types": ("delivery",), "promised_s": 60.0, "duration_s": 30.0, "resolved": 1}, 6.0),
        ("speed", {"types": ("case",), "promised_s": 1800.0, "start_ms": NOW - HOUR, "status": "opened"}, None),
        ("speed", {"types": ("case",), "promised_s": 1800.0, "wait_s": 9.0, "status": "closed"}, None),
        ("speed", {"types": ("case",), "duration_s": 9.0, "status": "closed"}, None),
        ("speed", {"types": ("call",), "promised_s": 60.0, "duration_s": 90.0, "resolved": 1}, None),
        ("competence", {"types": ("call",), "skill": 1, "skill_needed": 2}, -6.0),
        ("competence", {"types": ("call",), "skill": 2, "skill_needed": 2}, 2.0),
        ("competence", {"types": ("call",), "skill": 2}, None),
        ("competence", {"types": ("use",), "skill": 1, "skill_needed": 2}, None),
        ("price_complaint", {"types": ("complaint",), "flags": ("price",), "skill": 1, "skill_needed": 2}, -6.0),
        ("price_complaint", {"types": ("complaint",), "flags": ("price",), "skill": 2, "skill_needed": 2}, 6.0),
        ("price_complaint", {"types": ("complaint",), "flags": ("price", "pricing_skill"), "skill": 1}, 6.0),
        ("price_complaint", {"types": ("complaint",), "flags": ("price",)}, None),
        ("price_complaint", {"types": ("call",), "flags": ("price",), "skill": 1}, None),
    ],
)
def test_start_shifts(name: str, fact: dict[str, Any], expected: float | None) -> None:
    assert shift(name, fact) == expected


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("resolved", {"resolved": 0}, {"resolved": 1}),
        ("transfers", {"transfers": 2}, {"transfers": 0}),
        ("complaint", {"types": ("call", "complaint")}, {}),
        ("wait", {"promised_s": 60.0, "wait_s": 90.0}, {"promised_s": 60.0, "wait_s": 30.0}),
    ],
)
def test_bad_counts_at_once_and_good_at_the_end(name: str, bad: dict[str, Any], good: dict[str, Any]) -> None:
    call = {"types": ("call",)}
    assert shift(name, call | bad, closed=False) == shift(name, call | bad)
    assert shift(name, call | good, closed=False) is None
    assert shift(name, call | good) is not None


def test_discovery_walks_in_order_of_name() -> None:
    assert list(discover()) == sorted(discover())
    assert {"complaint", "failed_payment", "failure", "proactive", "refund", "resolved", "transfers", "wait"} <= set(
        discover()
    )
