"""What an explanation says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Interaction:
    """One interaction, as far as a reader needs it."""

    key: str
    started_at: datetime
    ended_at: datetime
    channel: str
    type: str
    touchpoint: str
    what: str
    """What happened in a few words; empty where nothing was out of the ordinary."""
    events: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one interaction contributes to a score."""

    interaction: Interaction
    points: float
    weight: float
    """Evidence W that is left of it at the moment of the explanation, answers."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One score taken apart: ``prior`` + points of the ``parts`` + ``clipped`` + ``pyramid`` = ``score``."""

    horizon: str
    dimension: str
    prior: float
    """Where the score starts: a relationship at the segment's prior, a journey at the relationship's mean, the latest
    interaction at the journey's, points."""
    parts: Sequence[Part]
    """The interactions, the greatest effect first."""
    mean: float
    """Prior and parts, points."""
    clipped: float
    """What keeping within 0 .. 100 changes, points."""
    pyramid: float
    """What the cap by the needs takes away, points."""
    score: float
    low: float
    high: float
    confidence: float
    """Share of the score that is the customer's own evidence."""


@dataclass(frozen=True, slots=True)
class Person:
    """All scores of one customer at one moment."""

    customer_id: str
    segment: str
    at: datetime
    model_version: str
    scores: Sequence[Explained]

    def score(self, horizon: str, dimension: str) -> Explained:
        """One of the scores. Raises KeyError if there is none of that name."""
        for explained in self.scores:
            if (explained.horizon, explained.dimension) == (horizon, dimension):
                return explained
        raise KeyError((horizon, dimension))
