"""What every section of the settings is made of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from jobs.durations import duration_ms

PREFIX: Final = "PERCEPTION_"
"""Of every variable."""


def _duration_s(value: object) -> float:
    return duration_ms(value) / 1_000


Seconds = Annotated[float, BeforeValidator(_duration_s)]
"""A duration in seconds, written as any duration text."""


class Section(BaseModel):
    """Variables with a common prefix; an unknown name is an error, a secret may be given as a file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, given: object) -> object:
        """For every ``<secret>_file`` that is given, the secret itself."""
        if not isinstance(given, Mapping):
            return given
        secrets = [
            name for name in cls.model_fields if given.get(f"{name}_file") and f"{name}_file" in cls.model_fields
        ]
        if both := [name for name in secrets if given.get(name)]:
            raise ValueError(f"{both[0]} and {both[0]}_file are both given: unset one of them")
        return {**given, **{name: _secret(f"{name}_file", str(given[f"{name}_file"])) for name in secrets}}


def _secret(name: str, file: str) -> str:
    """The content of a secret's file without the line break that editors put at its end."""
    try:
        text = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise ValueError(f"{name}: {file} cannot be read: {why}") from None
    if not text:
        raise ValueError(f"{name}: {file} is empty")
    return text
