"""The customers: who they are, drawn once per scenario."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.simulate.world import REGIONS, SEGMENTS


@dataclass(frozen=True, slots=True)
class Person:
    """One customer. ``digital``, ``eager`` are probabilities; ``monthly`` euros; ``billing_day`` 0..27."""

    index: int
    id: str
    key: bytes
    segment: str
    region: str
    monthly: float
    digital: float
    eager: float
    billing_day: int
    site: str


def draw(count: int, rng: np.random.Generator) -> tuple[list[Person], NDArray[np.float64]]:
    """``count`` customers, and the long-run mean of each one's perception, shape (count, 3)."""
    kinds = rng.choice(len(SEGMENTS), size=count, p=[segment.share for segment in SEGMENTS])
    regions = rng.choice(len(REGIONS), size=count)
    monthly = np.exp(rng.normal(0.0, 0.25, count))
    digital = rng.normal(0.0, 0.15, count)
    eager = rng.beta(2.0, 5.0, count)
    days = rng.integers(0, 28, count)
    app = rng.random(count) < 0.55
    people = [
        Person(
            index=i,
            id=f"c-{i:06d}",
            key=f"c-{i:06d}".encode(),
            segment=SEGMENTS[kinds[i]].name,
            region=REGIONS[regions[i]],
            monthly=round(SEGMENTS[kinds[i]].monthly * float(monthly[i]), 2),
            digital=min(0.95, max(0.05, SEGMENTS[kinds[i]].digital + float(digital[i]))),
            eager=float(eager[i]),
            billing_day=int(days[i]),
            site="app" if app[i] else "web",
        )
        for i in range(count)
    ]
    means = np.array([segment.mean for segment in SEGMENTS])[kinds].reshape(count, 3)
    return people, means
