"""The values that a warehouse's views calculate with, as a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any

from jobs.warehouse.protocol import Warehouse
from pipeline.model import DEFAULT_MODEL, Horizon, Model


def used_model(warehouse: Warehouse) -> Model:
    """Version, priors, horizons and the pyramid as the views have them; all else is of the start model.

    That is enough to read scores off sums. Answers and signals are in the sums already: a warehouse does not keep
    how the model judged them.
    """
    values = warehouse.query("SELECT * FROM model").dicts()[0]
    segments = dict(warehouse.query("SELECT prior_segment, prior_of_segment FROM segment_priors").rows)
    return replace(
        DEFAULT_MODEL,
        version=values["model_version"],
        segments=segments,
        relationship=_horizon(values, "relationship"),
        journey=_horizon(values, "journey"),
        interaction=_horizon({**values, "interaction_half_life_ms": inf}, "interaction"),
        **{name: values[name] for name in ("prior_mean", "interval_deviations", "pyramid_knee", "pyramid_slope")},
    )


def _horizon(values: Mapping[str, Any], name: str) -> Horizon:
    fields = ("prior_weight", "prior_variance", "residual_variance", "half_life_ms")
    return Horizon(*(values[f"{name}_{field}"] for field in fields))
