"""Signals that are symptoms of an interaction's perception, with effects that the model of their world knows.

A symptom happens where a noisy reading of the perception is low. The readings of one interaction share a part of
their error, so that several symptoms of it say less than they would apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.model import DEFAULT_MODEL, Model
from pipeline.records import FLAG_FAILED_PAYMENT
from pipeline.signals import Effect, Outcome, Slope
from schemas.event import EVENT_TYPES

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

VARIANCE: Final = DEFAULT_MODEL.perception_variance
"""Of one interaction's perception."""
SHARED_ERROR: Final = 0.3
"""Part of the error's variance that the readings of one interaction have in common."""
_NORMAL: Final = NormalDist()
_ALL: Final = (1.0, 1.0, 1.0)
_SLOPE: Final = -6.0


@dataclass(frozen=True, slots=True)
class Symptom:
    """One signal; ``prevalence`` None = a number, the time waited against the promise."""

    prevalence: float | None
    explained: float
    """R²: share of the perception's variance."""

    @property
    def correlation(self) -> float:
        """Of the reading with the perception, so that the outcome explains what it should."""
        if self.prevalence is None:
            return math.sqrt(self.explained)
        p = self.prevalence
        return math.sqrt(self.explained * p * (1 - p)) / _NORMAL.pdf(_NORMAL.inv_cdf(p))

    @property
    def effect(self) -> Effect:
        """The true expected shift of the perception: E[perception | level] - mean."""
        if self.prevalence is None:
            return Slope(self.explained, _ALL, per_unit=_SLOPE, mean=0.0, limit=12.0)
        p = self.prevalence
        shift = -math.sqrt(VARIANCE) * self.correlation * _NORMAL.pdf(_NORMAL.inv_cdf(p)) / p
        return Outcome.centred(self.explained, _ALL, present=shift, prevalence=p)

    def level(self, reading: Floats) -> Floats:
        """Level as the effect takes it, from readings with mean 0 and variance 1."""
        if self.prevalence is None:
            return np.asarray(reading * math.sqrt(self.explained * VARIANCE) / _SLOPE)
        return np.asarray(reading < _NORMAL.inv_cdf(self.prevalence)).astype(np.float64)


SYMPTOMS: Final[Mapping[str, Symptom]] = {
    "complaint": Symptom(0.139, 0.117),
    "failed_payment": Symptom(0.1, 0.05),
    "resolved": Symptom(0.2, 0.35),
    "transfers": Symptom(0.305, 0.055),
    "wait": Symptom(None, 0.05),
}
"""By the signal that sees it; R² as in the start model."""


def symptom_model() -> Model:
    """The start model, but for the effects: those that are true here."""
    effects = {name: symptom.effect for name, symptom in SYMPTOMS.items()}
    return replace(DEFAULT_MODEL, version="true effects", effects=effects)


def readings(perception: Floats, rng: np.random.Generator) -> Mapping[str, Floats]:
    """Levels of all symptoms of interactions with ``perception`` (deviation from the prior, points)."""
    standard = perception / math.sqrt(VARIANCE)
    shared = math.sqrt(SHARED_ERROR) * rng.standard_normal(len(perception))
    found = {}
    for name, symptom in SYMPTOMS.items():
        error = shared + math.sqrt(1 - SHARED_ERROR) * rng.standard_normal(len(perception))
        reading = symptom.correlation * standard + math.sqrt(1 - symptom.correlation**2) * error
        found[name] = symptom.level(reading)
    return found


@cache
def error_covariance() -> Floats:
    """Covariance of the errors of the pseudo-observations b/R² of one interaction, in order of name.

    Measured once on a million interactions: thresholds leave no closed form.
    """
    rng = np.random.default_rng(0)
    perception = math.sqrt(VARIANCE) * rng.standard_normal(1_000_000)
    levels = readings(perception, rng)
    values = [SYMPTOMS[name].effect.shift(levels[name]) / SYMPTOMS[name].explained for name in sorted(SYMPTOMS)]
    errors: Floats = np.cov(np.stack(values) - perception)
    errors.setflags(write=False)
    return errors


def show(facts: NDArray[Any], levels: Mapping[str, Floats], contact: Flags, rng: np.random.Generator) -> None:
    """Write the symptoms into ``facts`` (dtype PIECE): payments fail, contacts tell some of the others."""
    call, complaint, payment = (np.uint32(1 << EVENT_TYPES.index(name)) for name in ("call", "complaint", "payment"))
    facts["types"] = np.where(contact, np.where(levels["complaint"] > 0, call | complaint, call), payment)
    facts["flags"] = np.where(~contact & (levels["failed_payment"] > 0), FLAG_FAILED_PAYMENT, 0)
    told = [contact & (rng.random(len(facts)) < share) for share in (0.6, 0.6, 0.5)]
    facts["resolved"] = np.where(told[0], levels["resolved"] == 0, -1)
    facts["transfers"] = np.where(told[1], 2 * levels["transfers"], -1)
    facts["promised_s"] = np.where(told[2], 60.0, np.nan)
    facts["wait_s"] = np.where(told[2], 60.0 * np.exp2(levels["wait"]), np.nan)
