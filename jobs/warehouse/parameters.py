"""Values of the perception model as rows, so that the views calculate with the pipeline's own model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from jobs.warehouse.protocol import Result
from jobs.warehouse.sql import Plain, literal
from pipeline.model import DEFAULT_MODEL, Model
from pipeline.priors import Prior, middle
from schemas.tables import DIMENSIONS

DEFAULT_VERSION: Final = DEFAULT_MODEL.version
SEGMENT: Final = "segment_prior/"


class Parameterised(Protocol):
    """What is needed of a warehouse."""

    def query(self, sql: str, parameters: Mapping[str, Plain] | None = None) -> Result:
        """Run a statement that reads."""
        ...

    def command(self, sql: str) -> None:
        """Run a statement that writes."""
        ...


def model_parameters(model: Model) -> dict[str, float]:
    """Every value that a view calculates with, by name."""
    values = {
        "prior_mean": middle(model.prior_mean),
        **_each("prior_mean/", "", model.prior_mean),
        "interval_deviations": model.interval_deviations,
        "pyramid_knee": model.pyramid_knee,
        "pyramid_slope": model.pyramid_slope,
        **dict(zip(("ad_lift", "recommendation_lift", "promise_lift"), model.expectation, strict=True)),
    }
    for name, horizon in (("relationship", model.relationship), ("journey", model.journey)):
        values[f"{name}_prior_weight"] = horizon.prior_weight
        values[f"{name}_prior_variance"] = horizon.prior_variance
        values[f"{name}_residual_variance"] = horizon.residual_variance
        values[f"{name}_half_life_ms"] = horizon.half_life_ms
        values[f"{name}_moved"] = model.moved(horizon)
    for part in ("prior_weight", "prior_variance", "residual_variance"):
        values[f"interaction_{part}"] = getattr(model.interaction, part)
    for segment, prior in model.segments.items():
        values[f"{SEGMENT}{segment}"] = middle(prior)
        values |= _each("segment_prior_", f"/{segment}", prior)
    return values


def _each(before: str, after: str, prior: Prior) -> dict[str, float]:
    """One value per dimension, its name between ``before`` and ``after``; none where one number holds for all."""
    names = [f"{before}{dimension}{after}" for dimension in DIMENSIONS]
    return dict(zip(names, prior, strict=True)) if isinstance(prior, tuple) else {}


def write_parameters(warehouse: Parameterised, parameters: Mapping[str, float] | None, version: str) -> None:
    """Make ``version`` the model in use; writes nothing if its rows are there and newest."""
    wanted = dict(parameters if parameters is not None else model_parameters(DEFAULT_MODEL))
    if wanted == _in_use(warehouse, version):
        return
    rows = ", ".join(f"({literal(name)}, toFloat64({literal(float(value))}))" for name, value in wanted.items())
    warehouse.command(
        "INSERT INTO model_parameters (version, name, value, written_at) "  # noqa: S608 - literals, escaped
        f"SELECT {literal(version)}, row.1, row.2, now64(6) FROM (SELECT arrayJoin([{rows}]) AS row)"
    )


def _in_use(warehouse: Parameterised, version: str) -> dict[str, float]:
    latest = "(SELECT argMax(version, written_at) FROM model_parameters)"
    found = warehouse.query(
        f"SELECT name, value FROM model_parameters FINAL WHERE version = {latest} AND version = {{version:String}}",  # noqa: S608
        {"version": version},
    )
    return dict(found.rows)
