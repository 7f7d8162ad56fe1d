"""Limits refuse what the pipeline could not hold; rejections carry reason and message."""

from __future__ import annotations

import dataclasses

import pytest

from schemas.event import DEFAULT_CHANNELS, EVENT_TYPES, ONE_WAY_TYPES, SCALES, scale_range
from schemas.limits import Limits
from schemas.rejections import REASONS, Reason, RefusedError


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Limits)])
@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_must_be_positive(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{name} must be positive"):
        Limits(**{name: value})


@pytest.mark.parametrize(("name", "value"), [("max_depth", 65), ("max_number", 2.0**54)])
def test_a_limit_beyond_what_the_pipeline_holds_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at most"):
        Limits(**{name: value})  # type: ignore[arg-type]


def test_a_refusal_says_why() -> None:
    error = RefusedError(REASONS["bad_time"], "is no time")
    assert (str(error), error.reason, error.message) == ("bad_time: is no time", Reason.BAD_TIME, "is no time")


def test_every_type_has_a_usual_channel_and_one_way_types_exist() -> None:
    assert all(DEFAULT_CHANNELS[name] for name in EVENT_TYPES)
    assert set(EVENT_TYPES) > ONE_WAY_TYPES


@pytest.mark.parametrize("scale", SCALES)
def test_a_given_end_of_a_scale_overrides_the_usual_one(scale: str) -> None:
    usual = SCALES[scale] or (None, None)
    assert scale_range(scale, None, None) == usual
    assert scale_range(scale, 2.0, None) == (2.0, usual[1])
    assert scale_range(scale, None, 3.0) == (usual[0], 3.0)
