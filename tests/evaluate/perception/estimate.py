"""What the pipeline's own functions say at each query, from the observations before it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline import scores
from pipeline.model import Horizon, Model
from pipeline.perceive import Evidence, Observations, gather
from tests.evaluate.perception.scene import HORIZONS, Index, Scene, Told, known, spread_out

Floats = NDArray[np.float64]


def evidence(scene: Scene) -> dict[str, Evidence]:
    """Sums of evidence of each query, by horizon."""
    query, row = spread_out(*known(scene.customer, scene.observations.at_ms, scene.queries))
    before = scene.observations.take(row)
    at_ms, model = scene.queries.at_ms, scene.model
    return {name: _sums(before, query, at_ms, getattr(model, name), model) for name in HORIZONS}


def _sums(before: Observations, query: Index, at_ms: Index, horizon: Horizon, model: Model) -> Evidence:
    return gather(before, query, len(at_ms), at_ms, horizon.half_life_ms, model.moved(horizon))


def estimate(scene: Scene, sums: dict[str, Evidence]) -> Told:
    """Mean and variance of both horizons; the prior is the one that the views would take."""
    chosen, model = list(scene.dimensions), scene.model
    lasting, recent = sums["relationship"], sums["journey"]
    mean = scores.relationship_mean(lasting.weight, lasting.sum, scene.assumed, model)
    spread = scores.relationship_variance(lasting.weight, model)
    mean_now = scores.journey_mean(recent.weight, recent.sum, mean, model)
    spread_now = scores.journey_variance(recent.weight, spread, model)
    return Told(
        {"relationship": mean[:, chosen], "journey": mean_now[:, chosen]},
        {"relationship": spread[:, chosen], "journey": spread_now[:, chosen]},
    )


def fifths(weight: Floats) -> NDArray[np.int64]:
    """Fifth of each query by how much evidence there is, 0 = least, shape as ``weight``; by dimension (columns)."""
    place = np.empty(weight.shape, dtype=np.int64)
    ranks = np.arange(len(weight))
    for column in range(weight.shape[1]):
        place[np.lexsort((ranks, weight[:, column])), column] = ranks * 5 // len(weight)
    return place
