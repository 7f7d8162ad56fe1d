"""Every score of a row has its interval, its confidence, its inferred share, its rational index and its model."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pipeline.model import DEFAULT_MODEL as MODEL
from tests.core.harness import event, random_events, run

DIMENSIONS = ("meets_needs", "easy", "enjoyable")


@pytest.fixture(scope="module")
def tables() -> dict[str, Any]:
    return run(random_events(500, seed=8), 60).tables


@pytest.mark.parametrize("table", ["interaction_rows", "journey_rows"])
@pytest.mark.parametrize("name", DIMENSIONS)
def test_interval_confidence_and_inferred_share(tables: dict[str, Any], table: str, name: str) -> None:
    n, v, f = MODEL.interaction.prior_weight, MODEL.perception_variance, MODEL.interaction.residual_variance
    for row in tables[table].values():
        weight, stated = row[f"interaction_{name}_weight"], row[f"interaction_{name}_stated"]
        half = 1.645 * math.sqrt((n * v + weight * f) / (n + weight))
        score = row[f"{name}_score"]
        assert (row[f"{name}_low"], row[f"{name}_high"]) == pytest.approx((score - half, score + half))
        assert row[f"{name}_confidence"] == pytest.approx(weight / (n + weight))
        assert row[f"{name}_inferred_share"] == pytest.approx(1 - stated / weight if weight else 0)
        assert str(row["model"]) == MODEL.version


@pytest.mark.parametrize("name", DIMENSIONS)
def test_the_rational_index_is_the_score_where_nobody_answered(tables: dict[str, Any], name: str) -> None:
    apart = 0
    for row in tables["interaction_rows"].values():
        same = row[f"{name}_rational"] == pytest.approx(row[f"{name}_score"], abs=1e-9)
        assert same or row[f"interaction_{name}_stated"] > 0
        apart += not same
    assert apart > 5


def test_the_rational_index_is_what_the_facts_alone_say() -> None:
    call = event(1, 0, "call", resolved=False)
    answer = event(2, 60_000, "answer", channel="phone", scale="csat", value=5)
    [silent], [answered] = (run(story).tables["interaction_rows"].values() for story in ([call], [call, answer]))
    assert answered["easy_rational"] == pytest.approx(silent["easy_score"], abs=1e-9)
    assert answered["easy_score"] > silent["easy_score"]


def test_unseen_service_is_counted_and_says_nothing() -> None:
    [row] = run([event(1, 0, "proactive_service", visible=False)]).tables["interaction_rows"].values()
    assert row["unseen_service"]
    assert row["interaction_enjoyable_weight"] == 0
