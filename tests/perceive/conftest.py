"""What every perception test starts from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.model import DEFAULT_MODEL, Model
from pipeline.strings import Strings
from tests.perceive.oracle import PRIORS

MODEL = replace(DEFAULT_MODEL, version="two segments", segments=PRIORS)


@pytest.fixture
def strings() -> Strings:
    return Strings()


@pytest.fixture
def model() -> Model:
    return MODEL
