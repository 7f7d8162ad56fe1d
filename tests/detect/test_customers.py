"""Alerts about single customers: the formula against a plain loop, rules by case, rows, transitions, and their end."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import numpy as np
import pytest

from pipeline.customer_alerts import TABLE, pseudonym
from pipeline.detect import customers
from pipeline.detect.customers import FADE_MS, FALL, THRESHOLD, Interactions, Past
from pipeline.detect.rules import discover
from pipeline.model import DEFAULT_MODEL
from pipeline.policy import DAY_MS, HOUR_MS, Policy
from schemas.alert import AlertTransition
from tests.core.harness import START_MS, Event, batch, differences, event, pipeline, random_events, run, slices

MODEL = DEFAULT_MODEL


def plain_levels(given: list[tuple[int, float, float]], prior: float) -> list[float]:
    """G after each (start, weight, mean) on one dimension, as ALERTS.md writes it."""
    weight = total = level = 0.0
    before, found = given[0][0], []
    for start, w, mean in given:
        horizon, age = MODEL.relationship, start - before
        weight, total = (part * 2 ** (-age / horizon.half_life_ms) for part in (weight, total))
        usual = (horizon.prior_weight * prior + total) / (horizon.prior_weight + weight)
        known = horizon.prior_weight * horizon.prior_variance + weight * horizon.residual_variance
        v = known / (horizon.prior_weight + weight) + MODEL.journey.prior_variance + MODEL.answer_variance / w
        level = level * 2 ** (-age / FADE_MS) + FALL / v * (usual - mean - FALL / 2)
        level = min(max(0.0, level), THRESHOLD + 3)
        found.append(level)
        weight, total, before = weight + w, total + w * mean, start
    return found


def interactions(given: list[tuple[int, float, float]]) -> Interactions:
    start, weight, mean = (np.array(column) for column in zip(*given, strict=True))
    spread = np.ones(3)
    return Interactions(
        np.zeros(len(given), np.int64), start, weight[:, None] * spread, (weight * mean)[:, None] * spread,
        np.full((len(given), 3), 70.0),
    )  # fmt: skip


def nobody(count: int = 1) -> Past:
    return Past(np.zeros(count, np.int64), *(np.zeros((count, 3)) for _ in range(3)))


def history(seed: int, count: int) -> list[tuple[int, float, float]]:
    draw = random.Random(seed)
    times = sorted(draw.sample(range(400), count))
    return [(START_MS + day * DAY_MS, draw.choice([0.05, 0.4, 1.0]), draw.gauss(60, 30)) for day in times]


@pytest.mark.parametrize("seed", range(5))
def test_the_level_is_the_formulas(seed: int) -> None:
    given = history(seed, 40)
    levels, _ = customers.watch(interactions(given), nobody(), np.zeros(40, bool), MODEL)
    assert levels.level[:, 1] == pytest.approx(plain_levels(given, 70.0), abs=1e-9)


@pytest.mark.parametrize("cut", [0, 1, 17, 39, 40])
def test_folding_what_is_final_changes_nothing_after_it(cut: int) -> None:
    given = history(9, 40)
    whole, _ = customers.watch(interactions(given), nobody(), np.zeros(40, bool), MODEL)
    _, past = customers.watch(interactions(given), nobody(), np.arange(40) < cut, MODEL)
    if cut < 40:
        rest, _ = customers.watch(interactions(given[cut:]), past, np.zeros(40 - cut, bool), MODEL)
        assert rest.level == pytest.approx(whole.level[cut:], abs=1e-9)


def test_folding_good_ones_without_an_order_is_the_same() -> None:
    given = [(start, w, 90.0) for start, w, _ in history(3, 30)]
    _, in_order = customers.watch(interactions(given), nobody(), np.ones(30, bool), MODEL)
    at_once = customers.fold(interactions(given[::-1]), nobody(), MODEL)
    for one, other in zip((in_order.weight, in_order.total), (at_once.weight, at_once.total), strict=True):
        assert one == pytest.approx(other, rel=1e-12)
    assert at_once.at_ms == in_order.at_ms


@pytest.mark.parametrize("seed", range(20))
def test_no_level_is_above_its_bound(seed: int) -> None:
    given, past = interactions(history(seed, 25)), nobody()
    bound = customers.rise_at_most(given, past, MODEL)
    levels, after = customers.watch(given, past, np.arange(25) < 10, MODEL)
    assert (levels.level.max(axis=0) <= bound[0] + 1e-9).all()
    rest = given.take(np.arange(10, 25))
    assert (levels.level[10:].max(axis=0) <= customers.rise_at_most(rest, after, MODEL)[0] + 1e-9).all()


def bad_time(customer: str = "ann") -> list[Event]:
    """Good calls, then three that were not resolved."""
    good = [event(n, n * DAY_MS, "call", customer, resolved=True, reason=f"r{n}") for n in range(4)]
    bad = [event(10 + n, 5 * DAY_MS + n * HOUR_MS, "call", customer, resolved=False, reason=f"q{n}") for n in range(3)]
    return [*good, *bad, event(99, 8 * DAY_MS, "browse", "clock")]


def rows(events: list[Event], size: int = 1_000, policy: Policy = Policy()) -> list[dict[str, Any]]:
    found = run(events, size, policy).tables.get(TABLE, {})
    return sorted((row for row in found.values() if not row["is_deleted"]), key=lambda row: row["since_at"])


def told(events: list[Event], size: int = 1_000) -> list[AlertTransition]:
    worker, found = pipeline(), []
    for part in slices(events, size):
        for key, value in worker.process([part]).messages.get("alerts", ()):
            alert = AlertTransition.model_validate_json(value)
            assert alert.value() == value, "the bytes of the contract"
            assert alert.key() == key
            found.append(alert)
    return found


def test_a_bad_time_is_one_alert() -> None:
    (found,) = [row for row in rows(bad_time()) if row["detector"] == "customer_drop"]
    assert found["since_at"] > START_MS + 5 * DAY_MS
    assert found["evidence"] >= found["threshold"] == THRESHOLD
    assert found["size"] == pytest.approx(found["expected"] - found["observed"], abs=1e-5)
    assert "meets_needs" in json.loads(found["dimensions"])


def test_good_interactions_and_one_bad_one_are_none() -> None:
    events = [one for one in bad_time() if one["event_id"] not in {"e11", "e12"}]
    assert rows(events) == []


def test_the_message_tells_who_by_a_pseudonym_and_names_the_customer_apart() -> None:
    (alert,) = [one for one in told(bad_time()) if one.detector == "customer_drop"]
    assert (alert.state, alert.sequence, alert.customer_id, alert.customers) == ("firing", 1, "ann", 1)
    assert alert.scope == {"customer": pseudonym("ann")}
    assert alert.alert_id == rows(bad_time())[0]["alert_id"]


CASES: dict[str, tuple[list[Event], float]] = {
    "low_nps": ([event(1, 0, "answer", scale="nps", value=3)], 3.0),
    "low_csat": ([event(1, 0, "answer", scale="csat", value=1)], 1.0),
    "failed_recovery": (
        [
            event(1, 0, "failure", reason="line"),
            event(2, 2 * HOUR_MS, "recovery", reason="line"),
            event(3, 8 * HOUR_MS, "failure", reason="line"),
        ],
        6.0,
    ),
    "unresolved_repeat": (
        [
            event(1, 0, "call", reason="bill", resolved=True),
            event(2, 2 * DAY_MS, "call", reason="bill", resolved=False),
        ],
        0.0,
    ),
}
CONTRARY: dict[str, list[Event]] = {
    "low_nps": [
        event(1, 0, "answer", scale="nps", value=4),
        event(2, 0, "answer", scale="nps", value=3, scale_min=0, scale_max=4),
    ],
    "low_csat": [event(1, 0, "answer", scale="csat", value=3)],
    "failed_recovery": [event(1, 0, "failure", reason="line"), event(3, 8 * HOUR_MS, "failure", reason="line")],
    "unresolved_repeat": [
        event(1, 0, "call", reason="bill", resolved=False),
        event(2, 2 * DAY_MS, "call", reason="line", resolved=False),
    ],
}
CLOCK = event(99, 4 * DAY_MS, "browse", "clock")


@pytest.mark.parametrize("name", discover())
def test_a_rule_finds_its_case_and_not_the_contrary(name: str) -> None:
    events, observed = CASES[name]
    (found,) = [row for row in rows([*events, CLOCK]) if row["kind"] == name]
    assert (found["detector"], found["observed"]) == ("rule", pytest.approx(observed))
    assert [row for row in rows([*CONTRARY[name], CLOCK]) if row["kind"] == name] == []


@pytest.mark.parametrize("name", discover())
def test_every_rule_says_what_it_means(name: str) -> None:
    assert discover()[name].meaning


def test_a_later_event_withdraws_an_alert_and_another_one_restores_it() -> None:
    first = event(1, 0, "call", reason="bill", resolved=True)
    unresolved = event(2, 2 * DAY_MS, "call", reason="bill", resolved=False)
    settled = event(3, 2 * DAY_MS + 60_000, "call", reason="bill", resolved=True)
    again = event(4, 2 * DAY_MS + 120_000, "call", reason="bill", resolved=False)
    clock = event(98, 2 * DAY_MS + HOUR_MS, "browse", "clock")
    events = [first, unresolved, clock, settled, again]
    found = [one for one in told(events, 1) if one.kind == "unresolved_repeat"]
    assert [(one.sequence, one.state, one.amended) for one in found] == [
        (1, "firing", False), (2, "withdrawn", False), (3, "firing", False),
    ]  # fmt: skip
    assert len({one.alert_id for one in found}) == 1
    assert [row["kind"] for row in rows(events[:4], 1)] == []
    assert [row["kind"] for row in rows(events, 1)] == ["unresolved_repeat"]


def test_a_changed_number_amends() -> None:
    clock = event(98, HOUR_MS, "browse", "clock")
    low, lower = (event(n, n, "answer", scale="nps", value=4 - n, interaction_id="i") for n in (1, 2))
    found = told([low, clock, lower], 1)
    assert [(one.sequence, one.state, one.amended, one.observed) for one in found] == [
        (1, "firing", False, 3.0), (2, "firing", True, 2.0),
    ]  # fmt: skip


def test_an_alert_ends_once_nothing_can_change_it_and_leaves_no_state() -> None:
    state: dict[bytes, bytes] = {}
    messages: list[tuple[bytes, bytes]] = []
    worker = pipeline(state=state)
    clock = [event(100 + day, day * DAY_MS, "browse", "clock") for day in range(1, 12)]
    events = [event(1, 0, "answer", scale="nps", value=0), *clock]
    for part in slices(events, 1):
        messages += worker.process([part]).messages.get("alerts", ())
    states = [json.loads(value)["state"] for _, value in messages]
    assert states == ["firing", "resolved"]
    assert not [key for key in state if key[:1] == b"a"]
    assert len(rows(events, 1)) == 1, "the fact remains"


def test_a_takeover_writes_the_rows_of_an_unconfirmed_flush_again() -> None:
    state: dict[bytes, bytes] = {}
    pipeline(state=state).process([batch(bad_time())])
    again = pipeline(state=state).rewrite(-1)
    assert again[TABLE]["alert_id"] == [row["alert_id"] for row in rows(bad_time())]


@pytest.mark.parametrize("seed", [3, 4])
def test_slices_and_orders_do_not_show(seed: int) -> None:
    events = random_events(500, seed=seed, customers=4)
    forever = Policy(lateness_ms=500 * DAY_MS)
    whole = run(events, policy=forever).tables
    assert len(whole[TABLE]) > 10
    shuffled = random.Random(seed).sample(events, len(events))
    assert differences(whole, run(shuffled, 41, forever).tables) == []
    assert differences(run(events).tables, run(events, 7).tables) == []


def test_levels_fade() -> None:
    bad = [(START_MS, 1.0, 20.0), (START_MS + FADE_MS, 0.0001, 70.0)]
    levels, _ = customers.watch(interactions(bad), nobody(), np.zeros(2, bool), MODEL)
    assert levels.level[1, 0] == pytest.approx(levels.level[0, 0] / 2, rel=1e-3)
    assert not math.isnan(levels.level.sum())
