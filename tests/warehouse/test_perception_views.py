"""The views of scores: the formulas of the pipeline, on unmerged parts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from jobs.warehouse import Warehouse
from jobs.warehouse.parameters import model_parameters, write_parameters
from pipeline import scores
from pipeline.model import DEFAULT_MODEL
from pipeline.predictor import CAUSE, Line, Predictor
from schemas.tables import DIMENSIONS
from tests.warehouse.rows import insert

DAY_MS = 86_400_000
START_MS = 1_700_000_000_000
AT = datetime(2024, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
AT_MS = round(AT.timestamp() * 1000)
TOLERANCE = 1e-9


def sums(seed: int, count: int, horizons: tuple[str, ...], *, stated: bool) -> dict[str, list[float]]:
    """Random evidence: weights 0 .. 5, values 0 .. 100."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[float]] = {}
    for horizon in horizons:
        for dimension in DIMENSIONS:
            weight = rng.uniform(0, 5, count) * rng.integers(0, 2, count)
            found[f"{horizon}_{dimension}_weight"] = weight.tolist()
            found[f"{horizon}_{dimension}_sum"] = (weight * rng.uniform(0, 100, count)).tolist()
            if stated:
                found[f"{horizon}_{dimension}_stated"] = (weight * rng.uniform(0, 1, count)).tolist()
    return found


def matrix(columns: dict[str, list[float]], horizon: str, part: str) -> Any:
    """Evidence as (rows, dimensions)."""
    return np.array([columns[f"{horizon}_{dimension}_{part}"] for dimension in DIMENSIONS]).T


def expected_lines(evidence: dict[str, tuple[Any, Any]], priors: Any) -> dict[str, tuple[scores.Score, Any, Any, Any]]:
    """Per horizon: shown score, mean, variance, confidence, each (rows, dimensions), from (W, S) at the moment."""
    weight_l, sum_l = evidence["relationship"]
    weight_j, sum_j = evidence["journey"]
    mean_l = scores.relationship_mean(weight_l, sum_l, priors, DEFAULT_MODEL)
    variance_l = scores.relationship_variance(weight_l, DEFAULT_MODEL)
    mean_j = scores.journey_mean(weight_j, sum_j, mean_l, DEFAULT_MODEL)
    variance_j = scores.journey_variance(weight_j, variance_l, DEFAULT_MODEL)
    return {
        "relationship": (
            scores.shown(mean_l, variance_l, DEFAULT_MODEL),
            mean_l,
            variance_l,
            scores.confidence(weight_l, DEFAULT_MODEL.relationship),
        ),
        "journey": (
            scores.shown(mean_j, variance_j, DEFAULT_MODEL),
            mean_j,
            variance_j,
            scores.confidence(weight_j, DEFAULT_MODEL.journey),
        ),
    }


def decay(age_ms: Any, horizon: str) -> Any:
    """δ of an age."""
    return np.exp2(-np.asarray(age_ms, float) / getattr(DEFAULT_MODEL, horizon).half_life_ms)[:, None]


def close(found: list[float], wanted: Any) -> bool:
    return bool(np.allclose(np.array(found, float), np.asarray(wanted).ravel(), rtol=0, atol=TOLERANCE))


def test_customer_perception_is_the_formula_of_the_pipeline(warehouse: Warehouse) -> None:
    count = 40
    columns = sums(1, count, ("journey", "relationship"), stated=True)
    as_of = [AT_MS - 10 * DAY_MS + place * DAY_MS // 2 for place in range(count)]  # some lie after the moment
    names = [f"c{place:02}" for place in range(count)]
    insert(warehouse, "customer_rows", count, customer_id=names, version=1, as_of=START_MS, first_seen=START_MS)
    insert(
        warehouse, "customer_rows", count, customer_id=names, version=2, as_of=as_of, first_seen=START_MS,
        segment=["gold", ""] * (count // 2), last_seen=as_of, **columns,
    )  # fmt: skip
    own = replace(DEFAULT_MODEL, prior_mean=(70.0, 66.0, 71.0), segments={"gold": (50.0, 53.0, 49.0)})
    warehouse.migrate(model_parameters(own), model="test")
    age = AT_MS - np.array(as_of)
    evidence = {
        h: (matrix(columns, h, "weight") * decay(age, h), matrix(columns, h, "sum") * decay(age, h))
        for h in ("journey", "relationship")
    }
    lines = expected_lines(evidence, np.array([own.prior_of("gold"), own.prior_of("")] * (count // 2)))
    for horizon, (shown, mean, variance, confidence) in lines.items():
        found = warehouse.query(
            """SELECT score, low, high, mean, variance, confidence, inferred_share, weight, sum, at
            FROM customer_perception_at(at = {at:DateTime64(3, 'UTC')}) WHERE horizon = {horizon:String}
            ORDER BY customer_id, indexOf(['meets_needs', 'easy', 'enjoyable'], dimension)""",
            {"at": AT, "horizon": horizon},
        )
        wanted = (shown.mean, shown.low, shown.high, mean, variance, confidence)
        stated = matrix(columns, horizon, "stated") * decay(age, horizon)
        shares = scores.inferred_share(evidence[horizon][0], stated)
        for place, values in enumerate((*wanted, shares, *evidence[horizon])):
            assert close([row[place] for row in found], values), (horizon, found.names[place])
        assert {row[-1] for row in found} == {AT}
    warehouse.migrate()


def test_customer_perception_is_that_of_now(warehouse: Warehouse) -> None:
    insert(warehouse, "customer_rows", customer_id="c", version=1, as_of=START_MS, first_seen=START_MS)
    ((lines, at),) = warehouse.query("SELECT count(), max(at) FROM customer_perception")
    assert lines == 6
    assert abs(at - datetime.now(UTC)) < timedelta(minutes=1)


def test_without_evidence_the_score_is_the_prior_with_no_confidence(warehouse: Warehouse) -> None:
    insert(warehouse, "customer_rows", customer_id="c", version=1, as_of=START_MS)
    found = warehouse.query("SELECT DISTINCT score, confidence, inferred_share FROM customer_perception")
    assert list(found) == [(70.0, 0.0, 0.0)]


def test_the_pyramid_caps_what_is_shown(warehouse: Warehouse) -> None:
    low: dict[str, Any] = {"relationship_meets_needs_weight": 1000.0, "relationship_meets_needs_sum": 30_000.0}
    insert(warehouse, "customer_rows", customer_id="c", version=1, as_of=AT_MS, **low)
    found = warehouse.query(
        f"SELECT dimension, score, high, mean FROM customer_perception_at(at = {AT_MS}) WHERE horizon = 'relationship'"
    )
    by_dimension = {row[0]: row[1:] for row in found}
    needs = by_dimension["meets_needs"][0]
    assert needs < 31
    assert by_dimension["easy"] == (pytest.approx(needs), pytest.approx(needs), 70.0)


def test_history_is_what_perception_was_after_each_interaction(warehouse: Warehouse) -> None:
    count = 12
    columns = sums(3, count, ("journey", "relationship"), stated=False) | sums(4, count, ("interaction",), stated=True)
    said = dict[str, list[float]]()
    for dimension in DIMENSIONS:  # answers of one moment within the interaction
        weight, stated = (np.array(columns[f"interaction_{dimension}_{part}"]) for part in ("weight", "stated"))
        for horizon in ("journey", "relationship"):
            faded = stated * decay(np.arange(count) * DAY_MS // 20, horizon)[:, 0]
            said[f"{horizon}_{dimension}_stated"] = faded.tolist()
            columns[f"{horizon}_{dimension}_weight"] = (weight - stated + faded).tolist()
    ended = [START_MS + place * 9 * DAY_MS for place in range(count)]
    ended[5] = ended[4]  # two that ended at the same moment see each other
    keys = [f"k{place:02}" for place in range(count)]
    insert(
        warehouse, "interaction_rows", count, customer_id="c", interaction_key=keys, version=1,
        started_at=[end - DAY_MS for end in ended], ended_at=ended, **columns,
    )  # fmt: skip
    insert(warehouse, "interaction_rows", customer_id="c", interaction_key="gone", version=1, ended_at=START_MS)
    insert(
        warehouse, "interaction_rows", customer_id="c", interaction_key="gone", version=2, is_deleted=1,
        ended_at=START_MS, journey_easy_weight=99.0,
    )  # fmt: skip
    at = np.array(ended)
    evidence, shares = {}, {}
    for horizon in ("journey", "relationship"):
        past = (at[None, :] <= at[:, None])[..., None]
        age = (at[:, None] - at[None, :])[..., None] / getattr(DEFAULT_MODEL, horizon).half_life_ms
        parts = [
            (np.where(past, matrix(columns | said, horizon, part)[None] * np.exp2(-age), 0)).sum(axis=1)
            for part in ("weight", "sum", "stated")
        ]
        evidence[horizon], shares[horizon] = (parts[0], parts[1]), scores.inferred_share(parts[0], parts[2])
    for horizon, (shown, mean, variance, confidence) in expected_lines(evidence, 70.0).items():
        found = warehouse.query(
            """SELECT score, low, high, mean, variance, confidence, inferred_share FROM customer_perception_history
            WHERE horizon = {horizon:String}
            ORDER BY interaction_key, indexOf(['meets_needs', 'easy', 'enjoyable'], dimension)""",
            {"horizon": horizon},
        )
        wanted = (shown.mean, shown.low, shown.high, mean, variance, confidence, shares[horizon])
        for place, values in enumerate(wanted):
            assert close([row[place] for row in found], values), (horizon, found.names[place])


def test_perception_index_is_the_mean_of_all_customers_at_the_newest_evidence(warehouse: Warehouse) -> None:
    count = 30
    columns = sums(5, count, ("journey", "relationship"), stated=True)
    names = [f"c{place}" for place in range(count)]
    as_of = [AT_MS - place * DAY_MS for place in range(count)]
    insert(warehouse, "customer_rows", count, customer_id=names, version=1, as_of=as_of, segment="s", **columns)
    age = AT_MS - np.array(as_of)
    weight = matrix(columns, "relationship", "weight") * decay(age, "relationship")
    total = matrix(columns, "relationship", "sum") * decay(age, "relationship")
    mean = scores.relationship_mean(weight, total, 70.0, DEFAULT_MODEL)
    variance = scores.relationship_variance(weight, DEFAULT_MODEL)
    half = 1.645 * np.sqrt((mean.var(axis=0) + variance.mean(axis=0)) / count)
    for view in ("perception_index", "perception_index_by_segment"):
        found = warehouse.query(f"SELECT dimension, score, low, high, n, at, model_version FROM {view}").rows
        assert [row[0] for row in found] == list(DIMENSIONS)
        assert close([row[1] for row in found], mean.mean(axis=0))
        assert close([row[2] for row in found], mean.mean(axis=0) - half)
        assert close([row[3] for row in found], mean.mean(axis=0) + half)
        assert {row[4:] for row in found} == {(count, AT, DEFAULT_MODEL.version)}


def test_rational_index_of_causes_is_the_prior_moved_by_what_happened(warehouse: Warehouse) -> None:
    features = {"signals.wait": Line((1.0, 1.0, 1.0), 0.0, -9.0, 9.0, (0.0, 0.0, 0.0))}
    predictor = Predictor(CAUSE, (0.0, 0.0, 0.0), features, stays=(0.1, 0.4))
    model = replace(DEFAULT_MODEL, version="caused", predictor=predictor)
    write_parameters(warehouse, model_parameters(model), model.version)
    insert(
        warehouse, "interaction_rows", 2, customer_id="a", version=1, journey_key="j", interaction_key=["k", "l"],
        ended_at=[AT_MS, AT_MS - 14 * DAY_MS], easy_rational=[60.0, 66.0], meets_needs_rational=70.0,
    )  # fmt: skip
    found = warehouse.query(
        """SELECT horizon, rational FROM customer_rational_at(at = {at:DateTime64(3, 'UTC')})
        WHERE dimension = 'easy' ORDER BY horizon""",
        {"at": AT},
    )
    write_parameters(warehouse, None, DEFAULT_MODEL.version)
    lasting = 70.0 + 0.1 * (-10.0 - 4.0 * 2.0 ** (-14 / 90))
    recent = lasting + 0.4 * (-10.0 - 4.0 / 2.0)
    assert [row[0] for row in found] == ["journey", "relationship"]
    assert close([row[1] for row in found], np.array([recent, lasting]))


def test_rational_index_is_the_score_without_answers(warehouse: Warehouse) -> None:
    rng, count = np.random.default_rng(7), 12
    columns = sums(8, count, ("interaction",), stated=True)
    weight, stated = (matrix(columns, "interaction", part) for part in ("weight", "stated"))
    observed, value = weight - stated, rng.uniform(0, 100, (count, 3))
    anchor = DEFAULT_MODEL.interaction.prior_weight
    rational = (anchor * 70.0 + observed * value) / (anchor + observed)
    columns |= {f"{name}_rational": rational[:, place].tolist() for place, name in enumerate(DIMENSIONS)}
    ended = [AT_MS - place * DAY_MS for place in range(count)]
    insert(
        warehouse, "interaction_rows", count, customer_id="a", version=1, journey_key="j", ended_at=ended,
        interaction_key=[f"k{place}" for place in range(count)], **columns,
    )  # fmt: skip
    insert(warehouse, "customer_rows", customer_id="a", version=1, as_of=AT_MS)
    insert(warehouse, "customer_rows", customer_id="silent", version=1, as_of=AT_MS)
    insert(warehouse, "journey_rows", customer_id="a", version=1, journey_key="j")
    prior, expected = np.full(3, 70.0), {}
    for horizon in (DEFAULT_MODEL.relationship, DEFAULT_MODEL.journey):
        fade = np.exp2((np.array(ended) - AT_MS) / horizon.half_life_ms)[:, None]
        prior = scores.mean((observed * fade).sum(axis=0), (observed * value * fade).sum(axis=0), prior, horizon)
        expected["relationship" if horizon is DEFAULT_MODEL.relationship else "journey"] = prior
    for name, mean in expected.items():
        found = warehouse.query(
            """SELECT rational FROM customer_rational_at(at = {at:DateTime64(3, 'UTC')})
            WHERE horizon = {horizon:String}
            ORDER BY indexOf(['meets_needs', 'easy', 'enjoyable'], dimension)""",
            {"horizon": name, "at": AT},
        )
        assert close([row[0] for row in found], mean), name
    now = warehouse.query("SELECT customer_id, count(rational), count() FROM customer_perception GROUP BY customer_id")
    assert sorted(now.rows) == [("a", 6, 6), ("silent", 0, 6)]
    found = warehouse.query("SELECT meets_needs_rational, easy_rational, enjoyable_rational FROM journeys")
    everything = (anchor * 70.0 + (observed * value).sum(axis=0)) / (anchor + observed.sum(axis=0))
    assert close(list(found.rows[0]), everything)
