"""The truth behind the simulation: variances as declared, and answers that follow it."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.simulate import Scenario, simulate
from jobs.simulate.archive import TruthFile
from jobs.simulate.surveys import CX_INDEX, SCALES, tick
from jobs.simulate.truth import DYNAMICS, HAPPENING, Dynamics, Truth

SCENARIO = Scenario(customers=400, days=30, seed=5)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Truth lines, and the events of the same run."""
    path = tmp_path_factory.mktemp("truth") / "truth.ndjson"
    with TruthFile(path, SCENARIO) as log:
        events = [json.loads(r.value or b"") for r in simulate(SCENARIO, log) if r.kind == "event"]
    return [json.loads(line) for line in path.read_text().splitlines()], events


def test_levels_stay_stationary() -> None:
    truth = Truth(np.full((4_000, 3), 70.0), np.random.default_rng(1), DYNAMICS)
    for _ in range(60):
        truth.new_day()
    lasting, standing = np.array(truth.relationship()), np.array(truth.standing())
    assert lasting.std(axis=0) == pytest.approx(DYNAMICS.lasting_sd, rel=0.05)
    assert (standing - lasting).std(axis=0) == pytest.approx(DYNAMICS.recent_sd, rel=0.05)
    assert np.corrcoef(lasting.T)[0, 1] == pytest.approx(0.6, abs=0.06)


def test_a_shock_fades_to_what_lasts() -> None:
    quiet, hit = (Truth(np.full((500, 3), 70.0), np.random.default_rng(1), DYNAMICS) for _ in range(2))
    for index in range(500):
        hit.happened(index, (-20.0, -10.0, 0.0))
    gaps = []
    for _ in range(29):
        gaps.append((np.array(hit.standing()) - np.array(quiet.standing())).mean(axis=0))
        quiet.new_day()
        hit.new_day()
    assert gaps[0] == pytest.approx([-8.0, -4.0, 0.0])
    assert gaps[14][0] == pytest.approx(-20 * (0.2 / 2 + 0.2 * 2 ** (-14 / 180)))
    assert gaps[28][0] > gaps[14][0] > gaps[0][0]


def test_happenings_are_as_many_as_the_dynamics_take(
    told: tuple[list[dict[str, Any]], list[dict[str, Any]]],
) -> None:
    """The outage adds to it: the measured number is that of a world without one."""
    shifts = np.array([line["shift"] for line in told[0] if line["kind"] == "interaction"])
    a_day = float((shifts**2).mean(axis=1).sum()) / SCENARIO.customers / SCENARIO.days
    assert 0.8 * HAPPENING < a_day < 2.5 * HAPPENING


def test_totals_stay_whatever_happenings_explain() -> None:
    for lasts in (0.0, 0.06, 0.2, 0.3):
        moves = Dynamics(lasts=lasts)
        explained = lasts**2 * HAPPENING * 180.0 / (2.0 * math.log(2.0))
        assert moves.lasting_sd**2 + explained == pytest.approx(130.0)
    with pytest.raises(ValueError, match="explain more"):
        Dynamics(lasts=0.6)


def test_the_file_says_who_stood_where_every_day(told: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> None:
    lines, _ = told
    days = [line for line in lines if line["kind"] == "customer"]
    assert lines[0]["kind"] == "scenario"
    assert lines[0]["incidents"][0]["touchpoint"] == "technical_hotline"
    assert len(days) == SCENARIO.customers * SCENARIO.days
    assert all(len(line["recent"]) == len(line["relationship"]) == 3 for line in days)


def test_every_interaction_of_the_truth_has_its_event(
    told: tuple[list[dict[str, Any]], list[dict[str, Any]]],
) -> None:
    lines, events = told
    felt = {line["event_id"]: line for line in lines if line["kind"] == "interaction"}
    found = [event for event in events if event["event_id"] in felt]
    assert len(found) > 0.9 * len(felt)
    assert all(event["customer_id"] == felt[event["event_id"]]["customer_id"] for event in found)


def test_the_truth_does_not_change_the_records(tmp_path: Path) -> None:
    small = Scenario(customers=40, days=4)
    with TruthFile(tmp_path / "truth.ndjson.gz", small) as log:
        told = list(simulate(small, log))
    assert told == list(simulate(small))


def test_answers_follow_the_truth(told: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> None:
    lines, events = told
    felt = {line["interaction_id"]: line["felt"] for line in lines if line["kind"] == "interaction"}
    pairs = [
        (np.mean(felt[event["interaction_id"]]), event["value"])
        for event in events
        if event["type"] == "answer" and event["scale"] == "csat" and event.get("interaction_id") in felt
    ]
    assert len(pairs) > 40
    assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.5


@pytest.mark.parametrize("name", SCALES)
def test_answers_of_the_middle_have_the_default_shares(name: str) -> None:
    rng = random.Random(1)
    scale = SCALES[name]
    ticks = [tick(rng, name, (level,) * 3) for level in (rng.gauss(70.0, 16.0) for _ in range(4_000))]
    assert {scale.low, scale.high} <= set(ticks) <= set(range(scale.low, scale.high + 1))
    if name in CX_INDEX:
        assert [ticks.count(value) / 4_000 for value in range(1, 6)] == pytest.approx(
            [0.08, 0.05, 0.10, 0.22, 0.55], abs=0.025
        )
