"""A small world of orders with review scores: what a fit has to find is known."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from jobs.models import chosen_model
from jobs.replay import Plan, prepare, replay
from jobs.settings import ModelSettings, Settings
from jobs.warehouse import open_warehouse
from pipeline.policy import DAY_MS, HOUR_MS, Policy

START_MS = 1_700_000_000_000
NOW_MS = 2_000_000_000_000
LEVEL = {"books": 8.0, "garden": 0.0, "gadgets": -12.0}
"""Points that a kind of order adds."""
PER_DAY = -6.0
"""Points per day that a delivery takes."""


def events(customers: int, seed: int, orders: int = 3) -> list[dict[str, Any]]:
    """Orders of ``customers``: a purchase, some days later a delivery, a day later a rating from 1 to 5."""
    draw = random.Random(seed)
    made: list[dict[str, Any]] = []
    for person in range(customers):
        own = draw.gauss(70.0, 8.0)
        for number in range(draw.randint(1, orders)):
            made += _order(f"c{person}", f"o{person}-{number}", START_MS + number * 60 * DAY_MS, own, draw)
    return sorted(made, key=lambda one: (one["occurred_at"], one["event_id"]))


def _order(customer: str, order: str, at_ms: int, own: float, draw: random.Random) -> list[dict[str, Any]]:
    at_ms += draw.randrange(10 * 24) * HOUR_MS
    kind, days = draw.choice(sorted(LEVEL)), draw.randint(1, 8)
    points = own + LEVEL[kind] + PER_DAY * (days - 4) + draw.gauss(0.0, 9.0)
    rating = 1 + sum(points > edge for edge in (45.0, 55.0, 65.0, 78.0))
    known = {"customer_id": customer, "journey_id": order}
    bought = {"attributes": {"kind": kind, "note": order}, "amount": draw.uniform(5, 80)}
    arrived_ms = at_ms + days * DAY_MS
    parts = [
        {"type": "purchase", "occurred_at": at_ms, **bought},
        {"type": "delivery", "occurred_at": arrived_ms, "measures": {"days": days} if draw.random() < 0.9 else {}},
        {"type": "answer", "occurred_at": arrived_ms + DAY_MS, "scale": "rating", "value": rating},
    ]
    parts[2] |= {"scale_min": 1, "scale_max": 5}
    return [{"event_id": f"{order}-{place}", **known, **part} for place, part in enumerate(parts)]


def filled(path: Path, given: list[dict[str, Any]], model: Path | None = None) -> str:
    """The address of a store with these events."""
    settings = Settings(
        policy=Policy(lateness_ms=400 * DAY_MS), model=ModelSettings(file=None if model is None else str(model))
    )
    store = open_warehouse(f"chdb://{path}")
    try:
        prepare(store, replace=False, model=chosen_model(settings))
        replay([[json.dumps(one).encode() for one in given]], store, settings, Plan(NOW_MS, partitions=2))
    finally:
        store.close()
    return f"chdb://{path}"
