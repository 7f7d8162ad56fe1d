"""The values that a warehouse's views calculate with, as a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from jobs.warehouse.protocol import Warehouse
from pipeline.model import DEFAULT_MODEL, Horizon, Model
from pipeline.priors import Prior


def used_model(warehouse: Warehouse) -> Model:
    """Version, priors, horizons and the pyramid as the views have them; all else is of the start model.

    That is enough to read scores off sums. Answers and signals are in the sums already: a warehouse does not keep
    how the model judged them.
    """
    values = warehouse.query("SELECT * FROM model").dicts()[0]
    priors = warehouse.query("SELECT prior_segment, prior_of_segment, prior_by_dimension FROM segment_priors").rows
    return replace(
        DEFAULT_MODEL,
        version=values["model_version"],
        prior_mean=_prior(values["prior_mean"], values["prior_means"]),
        segments={segment: _prior(mean, each) for segment, mean, each in priors},
        relationship=_horizon(values, "relationship"),
        journey=_horizon(values, "journey"),
        interaction=_horizon({**values, "interaction_half_life_ms": inf}, "interaction"),
        **{name: values[name] for name in ("interval_deviations", "pyramid_knee", "pyramid_slope")},
    )


def _prior(mean: float, each: Sequence[float]) -> Prior:
    first, second, third = each
    return mean if first == second == third else (first, second, third)


def _horizon(values: Mapping[str, Any], name: str) -> Horizon:
    fields = ("prior_weight", "prior_variance", "residual_variance", "half_life_ms")
    return Horizon(*(values[f"{name}_{field}"] for field in fields))
