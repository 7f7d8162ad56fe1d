"""The model: the values of PERCEPTION.md, a version that follows the values, and refusals that say what is wrong."""

from __future__ import annotations

import doctest
import importlib
import math
from dataclasses import replace

import numpy as np
import pytest

from pipeline.model import (
    DEFAULT_MODEL,
    Horizon,
    InvalidModelError,
    Model,
    ModelError,
    Scale,
    UnknownSignalError,
    start_model,
)
from pipeline.policy import DAY_MS
from pipeline.signals import Outcome, Slope, discover


def test_start_values_of_the_document_but_for_the_relationship_as_measured() -> None:
    model = DEFAULT_MODEL
    assert (model.prior_mean, model.answer_variance, model.perception_variance) == (70, 208, 258)
    assert model.relationship == Horizon(2.5, 130, 46, 90 * DAY_MS)
    assert model.journey == Horizon(3.25, 64, 45, 14 * DAY_MS)
    assert model.interaction == Horizon(3.25, 64, 20, math.inf)
    assert (model.implicit_cap, model.interval_deviations) == (0.38, 1.645)


def test_the_version_follows_the_values() -> None:
    assert start_model().version == DEFAULT_MODEL.version
    changed = replace(DEFAULT_MODEL, prior_mean=71.0)
    assert changed.digest() != DEFAULT_MODEL.digest()
    reordered = replace(DEFAULT_MODEL, effects=dict(sorted(DEFAULT_MODEL.effects.items(), reverse=True)))
    assert reordered.digest() == DEFAULT_MODEL.digest()
    assert replace(DEFAULT_MODEL, version="other").digest() == DEFAULT_MODEL.digest()


def test_the_model_pins_its_signals_in_order_of_name() -> None:
    effects = {name: discover()[name].start for name in ("wait", "complaint")}
    assert Model(version="two", effects=effects).signal_names == ("complaint", "wait")


def test_a_signal_of_another_release_is_refused() -> None:
    effect = next(iter(discover().values())).start
    with pytest.raises(UnknownSignalError, match="'horoscope'"):
        Model(version="x", effects={"horoscope": effect})


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (lambda: Horizon(0.0, 64, 20, 1.0), "prior_weight"),
        (lambda: Horizon(1.0, 64, 20, 0.0), "half_life_ms"),
        (lambda: Horizon(1.0, 64, 20, math.nan), "half_life_ms"),
        (lambda: Scale(1, 1, (1, 0, 0)), "levels"),
        (lambda: Scale(1, 3, (1, 0, 0), shares=(0.5, 0.5)), "shares"),
        (lambda: Scale(1, 2, (1, 0, 0), shares=(0.5, 0.4)), "shares"),
        (lambda: Scale(1, 2, (1, 0, 0), shares=(1.0, 0.0)), "shares"),
        (lambda: Scale(1, 2, (1, 0, 0), counts=(1.0, -1.0)), "counts"),
        (lambda: Scale(1, 2, (2, 0, 0)), "weights"),
        (lambda: Model(version="x", implicit_cap=0.0), "implicit_cap"),
        (lambda: Model(version="x", scales={"long": Scale(1, 99, (1, 0, 0))}), "levels of long"),
    ],
)
def test_values_out_of_range_are_refused_by_name(build: type, name: str) -> None:
    with pytest.raises(InvalidModelError) as caught:
        build()
    assert caught.value.name == name
    assert isinstance(caught.value, ModelError)


@pytest.mark.parametrize(
    ("explained", "shares"), [(0.0, (1, 1, 1)), (1.0, (1, 1, 1)), (0.1, (0, 0, 0)), (0.1, (2, 0, 0)), (0.1, (1, -1, 0))]
)
def test_effects_out_of_range_are_refused(explained: float, shares: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="within"):
        Slope(explained, shares, per_unit=1, mean=0, limit=1)


def test_a_centred_outcome_averages_to_nothing() -> None:
    outcome = Outcome.centred(0.05, (1, 1, 1), present=-8.0, prevalence=0.2)
    assert 0.2 * outcome.present + 0.8 * outcome.absent == pytest.approx(0.0)


@pytest.mark.parametrize("name", ["pipeline.answers", "pipeline.signals._base"])
def test_examples_in_docstrings_are_true(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), extraglobs={"np": np})
    assert result.attempted
    assert not result.failed
