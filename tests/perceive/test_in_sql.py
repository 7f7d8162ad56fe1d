"""The same formulas in ClickHouse: decayed sums from raw observations, and the scores of the views."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from jobs.warehouse.opening import open_warehouse
from jobs.warehouse.parameters import model_parameters
from jobs.warehouse.protocol import Warehouse
from pipeline import scores
from pipeline.perceive import Evidence, Observations, gather, move
from schemas.tables import CUSTOMERS, DIMENSIONS
from tests.perceive.cases import DAY, NOW
from tests.perceive.conftest import MODEL
from tests.perceive.oracle import PRIORS

pytestmark = pytest.mark.leaves_threads(reason="chDB keeps its threads")
CUSTOMER_COUNT = 40
AT = NOW + 9 * DAY
ANCHOR = NOW - 400 * DAY


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    path: Path = tmp_path_factory.mktemp("scores") / "store"
    opened = open_warehouse(f"chdb://{path}")
    opened.migrate(model_parameters(MODEL), model=MODEL.version)
    yield opened
    opened.close()


def random_observations(rng: np.random.Generator, count: int) -> Observations:
    return Observations(
        fact=rng.integers(0, CUSTOMER_COUNT // 2, count),
        at_ms=NOW - rng.integers(0, 300 * DAY, count),
        weight=rng.random((count, 3)),
        value=rng.normal(60, 40, (count, 3)),
        stated=rng.random(count) < 0.3,
        signal=np.zeros(count, np.int16),
    )


def customer_columns(segments: list[str], journey: Evidence, relationship: Evidence) -> dict[str, Any]:
    count = len(segments)
    columns: dict[str, Any] = {name: np.zeros(count, np.int64) for name in CUSTOMERS.column_names}
    columns |= {name: np.full(count, NOW) for name in ("first_seen", "last_seen", "as_of")}
    columns["customer_id"] = [f"c{i:03}" for i in range(count)]
    columns["segment"] = segments
    columns["model"] = [MODEL.version] * count
    for horizon, evidence in (("journey", journey), ("relationship", relationship)):
        for place, dimension in enumerate(DIMENSIONS):
            for part in ("weight", "sum", "stated"):
                columns[f"{horizon}_{dimension}_{part}"] = getattr(evidence, part)[:, place].copy()
    return columns


def test_sums_with_a_landmark_equal_the_decayed_sums(warehouse: Warehouse) -> None:
    obs = random_observations(np.random.default_rng(1), 500)
    half_life_ms = MODEL.journey.half_life_ms
    evidence = gather(obs, obs.fact, CUSTOMER_COUNT, np.full(CUSTOMER_COUNT, ANCHOR), half_life_ms)
    rows = ", ".join(
        f"({g}, {t}, {w!r}, {y!r})"
        for g, t, w, y in zip(
            obs.fact.tolist(), obs.at_ms.tolist(), obs.weight[:, 0].tolist(), obs.value[:, 0].tolist(), strict=True
        )
    )
    found = warehouse.query(
        "SELECT g, sum(w * exp2((t - {anchor:Int64}) / {half:Float64})), "
        "sum(w * y * exp2((t - {anchor:Int64}) / {half:Float64})) "
        f"FROM values('g Int64, t Int64, w Float64, y Float64', {rows}) GROUP BY g ORDER BY g",
        {"anchor": ANCHOR, "half": half_life_ms},
    )
    group = [row[0] for row in found]
    assert group == np.unique(obs.fact).tolist()
    np.testing.assert_allclose([row[1] for row in found], evidence.weight[group, 0], rtol=1e-9)
    np.testing.assert_allclose([row[2] for row in found], evidence.sum[group, 0], rtol=1e-9)


def expected_lines(
    prior: NDArray[np.float64], journey: Evidence, relationship: Evidence
) -> dict[str, tuple[scores.Score, Any, Any]]:
    """Shown score, confidence and inferred share per horizon, shape (customers, 3) each."""
    j, r = (
        move(sums, NOW, AT, horizon.half_life_ms)
        for sums, horizon in ((journey, MODEL.journey), (relationship, MODEL.relationship))
    )
    m_l = scores.relationship_mean(r.weight, r.sum, prior[:, np.newaxis], MODEL)
    v_l = scores.relationship_variance(r.weight, MODEL)
    m_j, v_j = scores.journey_mean(j.weight, j.sum, m_l, MODEL), scores.journey_variance(j.weight, v_l, MODEL)
    return {
        name: (
            scores.shown(mean, variance, MODEL),
            scores.confidence(sums.weight, horizon),
            scores.inferred_share(sums.weight, sums.stated),
        )
        for name, mean, variance, sums, horizon in (
            ("relationship", m_l, v_l, r, MODEL.relationship),
            ("journey", m_j, v_j, j, MODEL.journey),
        )
    }


def test_the_view_equals_the_formulas(warehouse: Warehouse) -> None:
    """Half of the customers have evidence, the other half none; values far out exercise clipping and the pyramid."""
    rng = np.random.default_rng(2)
    obs = random_observations(rng, 300)
    reference = np.full(CUSTOMER_COUNT, NOW)
    journey = gather(obs, obs.fact, CUSTOMER_COUNT, reference, MODEL.journey.half_life_ms)
    relationship = gather(obs, obs.fact, CUSTOMER_COUNT, reference, MODEL.relationship.half_life_ms)
    segments = [("", *PRIORS)[place % 3] for place in range(CUSTOMER_COUNT)]
    warehouse.insert(CUSTOMERS.name, customer_columns(segments, journey, relationship))
    found = warehouse.query(
        "SELECT horizon, dimension, customer_id, score, low, high, confidence, inferred_share "
        "FROM customer_perception_at(at = {at:DateTime64(3, 'UTC')}) ORDER BY customer_id",
        {"at": datetime.fromtimestamp(AT / 1000, UTC)},
    )
    assert len(found) == CUSTOMER_COUNT * 6
    expected = expected_lines(np.array([PRIORS.get(name, 70.0) for name in segments]), journey, relationship)
    for horizon, (shown, confidence, inferred) in expected.items():
        for place, dimension in enumerate(DIMENSIONS):
            lines = np.array([row[3:] for row in found if row[:2] == (horizon, dimension)])
            columns = (shown.mean, shown.low, shown.high, confidence, inferred)
            wanted = np.stack([column[:, place] for column in columns], axis=1)
            np.testing.assert_allclose(lines, wanted, rtol=0, atol=1e-9, err_msg=f"{horizon} {dimension}")
