"""The model that the settings name."""

from __future__ import annotations

from pathlib import Path

from jobs.models.reading import read
from jobs.settings import Settings
from pipeline.model import DEFAULT_MODEL, Model


def chosen_model(settings: Settings) -> Model:
    """The model of ``PERCEPTION_MODEL__FILE``, or the start model. Raises :class:`jobs.errors.ModelFileError`."""
    return read(Path(settings.model.file)) if settings.model.file else DEFAULT_MODEL
