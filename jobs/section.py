"""What every section of the settings is made of."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict

from jobs.durations import duration_ms

PREFIX: Final = "PERCEPTION_"
"""Of every variable."""


def _duration_s(value: object) -> float:
    return duration_ms(value) / 1_000


Seconds = Annotated[float, BeforeValidator(_duration_s)]
"""A duration in seconds, written as any duration text."""


class Section(BaseModel):
    """Variables with a common prefix; an unknown name is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
