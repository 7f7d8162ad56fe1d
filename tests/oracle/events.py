"""Events for the oracle: those of the core's harness, made to touch every rule that the SQL knows."""

from __future__ import annotations

import random
from typing import Any

from pipeline.policy import DAY_MS
from tests.core.harness import Event, random_events

SPARSE_DAYS = 150.0
"""Long enough that state is forgotten again and again while explicit ids go on."""
_SCALES: dict[str, tuple[float, float] | None] = {
    "nps": None,
    "csat": None,
    "ces": None,
    "cxi_easy": None,
    "rating": (0.0, 100.0),
}
_KINDS = ("proactive_service", "installation", "delivery", "store_visit", "conversation", "recommendation")


def events(count: int, *, seed: int, days: float) -> list[Event]:
    """Seeded events in order of time, with repeats; many fall into the same minute."""
    draw = random.Random(f"oracle {seed}")
    made = [_varied(draw, one) for one in random_events(count, seed=seed, days=days)]
    return made + draw.sample(made, count // 50)


def arriving(made: list[Event], seed: int, longest_ms: int) -> list[Event]:
    """In order of arrival: delayed, most a little, a few by up to ``longest_ms``."""
    draw = random.Random(f"arrival {seed}")
    return sorted(made, key=lambda one: one["occurred_at"] + draw.random() ** 4 * longest_ms)


def _varied(draw: random.Random, event: Event) -> Event:
    made = dict(event)
    if made["type"] in ("browse", "use") and draw.random() < 0.6:
        made["type"] = draw.choice(_KINDS)
    if made["type"] == "answer":
        _ask(draw, made)
    if made["type"] == "payment":
        made["outcome"] = draw.choice(["declined", "refunded", "failed", "paid"])
    if draw.random() < 0.1:
        made["customer_id"], made["channel"] = "Zoë 'O\\'", draw.choice(["E-Mail ünï", "email", "chat"])
    options: dict[str, Any] = {
        "visible": draw.random() < 0.5,
        "severity": draw.randrange(1, 5),
        "amount": draw.gauss(0, 50),
        "duration_s": draw.random() * 900,
        "promised_s": draw.choice([0.0, 60.0, 3_600.0, DAY_MS / 2_000]),
        "team": draw.choice(["north", "süd"]),
        "skill": draw.choice(["a", "b"]),
        "skill_needed": draw.choice(["a", "b"]),
    }
    made |= {name: value for name, value in options.items() if draw.random() < 0.25}
    if made["type"] in ("complaint", "use"):
        made |= {"reason": draw.choice(["wrong_bill", "price", "bill"]), "skill": draw.choice(["a", "pricing"])}
    if made["type"] in ("delivery", "installation") and draw.random() < 0.5:
        made["outcome"] = draw.choice(["late", "on_time"])
    if made["type"] == "proactive_service":
        made |= {"visible": draw.random() < 0.8, "reason": draw.choice(["bill", "line"])}
    return made


def _ask(draw: random.Random, event: Event) -> None:
    scale, ends = draw.choice(list(_SCALES.items()))
    if ends is None and draw.random() < 0.3:
        ends = draw.choice([(1.0, 5.0), (0.0, 1.0), (-2.0, 2.0), (0.5, 4.5), (0.0, 20.0), (0.0, 21.0)])
    event["scale"] = scale
    usual = {"nps": (0.0, 10.0), "ces": (1.0, 7.0)}.get(scale, (1.0, 5.0))
    low, high = ends or usual
    event["value"] = draw.choice([low, high, draw.uniform(low, high), float(round(draw.uniform(low, high)))])
    event["value"] = min(max(event["value"], low), high)
    if ends:
        event["scale_min"], event["scale_max"] = ends
