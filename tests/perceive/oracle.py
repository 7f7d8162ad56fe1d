"""An independent slow reading of PERCEPTION.md: one fact, one observation, one number at a time, own constants."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist
from typing import Any, NamedTuple

from schemas.event import ONE_WAY_TYPES

PRIORS = {"home": 64.0, "business": 75.0}
CONTACTS = {"call", "chat", "message", "conversation", "store_visit", "case", "complaint"}
STRENGTH = {
    "resolved": 0.35,
    "transfers": 0.055,
    "complaint": 0.117,
    "wait": 0.05,
    "failed_payment": 0.05,
    "failure": 0.05,
    "refund": 0.05,
    "proactive": 0.05,
    "repeat_contact": 0.106,
    "other_channel": 0.054,
    "severity": 0.02,
    "wrong_bill": 0.05,
    "installation": 0.05,
    "speed": 0.05,
    "competence": 0.03,
    "price_complaint": 0.03,
}
ABOUT = {
    "resolved": CONTACTS,
    "transfers": CONTACTS,
    "competence": CONTACTS,
    "complaint": {"complaint"},
    "price_complaint": {"complaint"},
    "wait": {"case", "delivery", "installation"},
    "speed": {"case", "complaint", "delivery", "installation"},
    "failed_payment": {"payment"},
    "refund": {"payment"},
    "failure": {"failure"},
    "severity": {"failure"},
    "proactive": {"proactive_service"},
    "installation": {"installation"},
}
"""Signal -> the types of the events that it is about."""
ANSWER_WEIGHTS = {
    "nps": (0.4, 0.25, 0.5),
    "csat": (0.5, 0.4, 0.5),
    "ces": (0.0, 0.9, 0.0),
    "cxi_meets_needs": (1.0, 0.0, 0.0),
    "cxi_easy": (0.0, 1.0, 0.0),
    "cxi_enjoyable": (0.0, 0.0, 1.0),
    "rating": (0.5, 0.4, 0.5),
}


class Seen(NamedTuple):
    """One observation."""

    fact: int
    source: str
    at_ms: int
    weight: tuple[float, ...]
    value: tuple[float, ...]


def prior(known: dict[str, Any]) -> float:
    return PRIORS.get(known.get("segment", ""), 70.0)


def shifts(known: dict[str, Any], closed: bool) -> dict[str, tuple[float, float]]:
    """Shift b per signal that is known of a fact, and the same for ``enjoyable``."""
    types = set(known["types"])
    judged = contact_outcomes(known, types) | service_outcomes(known, types) | matter_outcomes(known, types)
    found = {name: b1 if happened else b0 for name, (happened, b1, b0) in judged.items() if happened or closed}
    happened = {name for name in found if judged[name][0] or name == "resolved"}
    if "seen" in known["flags"] and "cancelled" not in known["flags"]:
        found["proactive"] = 3.0
    slopes = {"wait": wait_shift(known, types), "speed": speed_shift(known, types)}
    if "failure" in types and known["severity"] > 0:
        slopes["severity"] = -4.0 * (known["severity"] - 2)
    found |= {name: b for name, b in slopes.items() if b is not None and (b < 0 or closed)}
    return remembered(found, happened | set(slopes) | {"proactive"}, known["last"])


def remembered(found: dict[str, float], happened: set[str], last: str) -> dict[str, tuple[float, float]]:
    """Shifts, and those of ``enjoyable``: half the mean, a quarter each for the extreme and the end."""
    events = [name for name in found if name in happened]
    if len(events) < 2:
        return {name: (b, b) for name, b in found.items()}
    most = max(abs(found[name]) for name in events)
    peaks = [name for name in events if abs(found[name]) == most]
    ends = [name for name in events if last in ABOUT.get(name, ())] or events
    return {
        name: (b, b * (0.5 + len(events) / 4 * ((name in peaks) / len(peaks) + (name in ends) / len(ends))))
        if name in events
        else (b, b)
        for name, b in found.items()
    }


Judged = dict[str, tuple[bool, float, float]]
"""Signal -> whether it happened, b(1), b(0)."""


def contact_outcomes(known: dict[str, Any], types: set[str]) -> Judged:
    if not types & CONTACTS:
        return {}
    judged: Judged = {"complaint": ("complaint" in types, -13.6, 2.2)}
    if known["resolved"] != -1:
        judged["resolved"] = known["resolved"] == 0, -23.7, 5.9
    if known["transfers"] != -1:
        judged["transfers"] = known["transfers"] >= 2, -5.7, 2.5
    return judged


def service_outcomes(known: dict[str, Any], types: set[str]) -> Judged:
    judged: Judged = {}
    flags = known["flags"]
    if "payment" in types or "failed_payment" in flags:
        judged["failed_payment"] = "failed_payment" in flags, -8.0, 8.0 / 19
    if "payment" in types or "refund" in flags:
        judged["refund"] = "refund" in flags, 3.0, -3.0 / 19
    if "asked" in flags:
        judged["repeat_contact"] = "repeat" in flags, -8.4, 3.3
        judged["other_channel"] = "other_channel" in flags, -5.7, 2.4
    if types & {"failure", "use", "delivery", "installation"}:
        judged["failure"] = "failure" in types, -8.0, 8.0 / 19
    return judged


def matter_outcomes(known: dict[str, Any], types: set[str]) -> Judged:
    judged: Judged = {}
    flags, skill, needed = known["flags"], known["skill"], known["skill_needed"]
    if "bill" in flags or "wrong_bill" in flags:
        judged["wrong_bill"] = "wrong_bill" in flags, -8.0, 8.0 / 19
    if types & CONTACTS and skill and needed:
        judged["competence"] = skill != needed, -6.0, 2.0
    if "complaint" in types and "price" in flags and skill:
        judged["price_complaint"] = "pricing_skill" not in flags and skill != needed, -6.0, 6.0
    late = installation_late(known)
    if "installation" in types and late is not None:
        judged["installation"] = late, -8.0, 8.0 * 15 / 85
    return judged


def installation_late(known: dict[str, Any]) -> bool | None:
    if "missed" in known["flags"]:
        return True
    if "on_time" in known["flags"]:
        return False
    took = known["duration_s"] if math.isnan(known["wait_s"]) else known["wait_s"]
    promised = known["promised_s"]
    return None if math.isnan(took) or not promised > 0 else bool(took > promised)


def speed_shift(known: dict[str, Any], types: set[str]) -> float | None:
    promised = known["promised_s"]
    settled = known["resolved"] == 1 or known["status"] in {"resolved", "closed"}
    if not types & {"case", "complaint", "delivery", "installation"} or not settled or not promised > 0:
        return None
    if not math.isnan(known["wait_s"]):
        return None
    span = (known["end_ms"] - known["start_ms"]) / 1000
    took = span if math.isnan(known["duration_s"]) else known["duration_s"]
    return 12.0 if took == 0 else max(-12.0, min(12.0, -6.0 * math.log2(took / promised)))


def wait_shift(known: dict[str, Any], types: set[str]) -> float | None:
    promised, waited = known["promised_s"], known["wait_s"]
    if math.isnan(promised) or promised <= 0:
        return None
    if math.isnan(waited):
        span = (known["end_ms"] - known["start_ms"]) / 1000
        settled = known["resolved"] == 1 or known["status"] in {"resolved", "closed"}
        if not types & {"case", "delivery", "installation"} or settled or span <= promised:
            return None
        waited = span
    return 12.0 if waited == 0 else max(-12.0, min(12.0, -6.0 * math.log2(waited / promised)))


def signal_weight(explained: float) -> float:
    return 208 / (258 * (1 - explained) / explained + 64)


def answer_value(answer: dict[str, Any]) -> float:
    """Normal score by numeric integration of the definition: the mean of the normal between two quantiles."""
    shares, position = _categories(answer)
    low, high = sum(shares[:position]), sum(shares[: position + 1])
    normal = NormalDist()
    ends = [normal.inv_cdf(c) if 1e-12 < c < 1 - 1e-12 else math.copysign(math.inf, c - 0.5) for c in (low, high)]
    density = [0.0 if math.isinf(end) else normal.pdf(end) for end in ends]
    return 70 + 20 * (density[0] - density[1]) / (high - low)


def _categories(answer: dict[str, Any]) -> tuple[list[float], int]:
    scale, value = answer["scale"], answer["value"]
    if scale == "nps":
        return [0.06, 0.02, 0.02, 0.02, 0.04, 0.04, 0.07, 0.13, 0.15, 0.18, 0.27], int(value)
    if scale == "ces":
        return [0.05, 0.05, 0.07, 0.10, 0.18, 0.24, 0.31], int(value) - 1
    if scale != "rating":
        return [0.08, 0.05, 0.10, 0.22, 0.55], int(value) - 1
    low, high = answer["low"], answer["high"]
    levels = 5 if (low, high) == (1, 5) else 11
    return default_shares(levels), math.floor((value - low) / (high - low) * (levels - 1) + 0.5)


def default_shares(levels: int) -> list[float]:
    knots = (0, 0.08, 0.13, 0.23, 0.45, 1)

    def cumulative(at: float) -> float:
        step = min(int(at * 5 + 1e-12), 4)
        return knots[step] + (at * 5 - step) * (knots[step + 1] - knots[step])

    return [cumulative((c + 1) / levels) - cumulative(c / levels) for c in range(levels)]


def observations(world: Any, shares: dict[str, tuple[float, float, float]]) -> Iterator[Seen]:
    """Every observation of a world; ``shares`` are the dimension shares of the signals."""
    for fact, (known, closed) in enumerate(zip(world.known, world.closed.tolist(), strict=True)):
        if set(known["types"]) <= ONE_WAY_TYPES:
            continue
        for answer in world.answers:
            if answer["owner"] == fact:
                weight = ANSWER_WEIGHTS[answer["scale"]]
                yield Seen(fact, "answer", answer["at_ms"], weight, (answer_value(answer),) * 3)
        found = shifts(known, closed)
        totals = [sum(signal_weight(STRENGTH[name]) * shares[name][d] for name in found) for d in range(3)]
        for name, (shift, joy) in found.items():
            full = signal_weight(STRENGTH[name])
            weights = tuple(full * shares[name][d] * min(1.0, 0.38 / (totals[d] or 1.0)) for d in range(3))
            value = tuple(prior(known) + b / STRENGTH[name] for b in (shift, shift, joy))
            yield Seen(fact, name, known["end_ms"], weights, value)


def decayed(seen: list[Seen], reference_ms: int, half_life_ms: float) -> tuple[list[float], list[float], list[float]]:
    """W, S and the stated part of W per dimension, one observation at a time."""
    weight, total, stated = [0.0] * 3, [0.0] * 3, [0.0] * 3
    for one in seen:
        factor = 2.0 ** (-(reference_ms - one.at_ms) / half_life_ms)
        for d in range(3):
            weight[d] += one.weight[d] * factor
            total[d] += one.weight[d] * one.value[d] * factor
            stated[d] += one.weight[d] * factor * (one.source == "answer")
    return weight, total, stated
