"""Facts and notes for tests: written as what is known, everything else is not given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.records import (
    FLAG_ASKED,
    FLAG_BILL,
    FLAG_CANCELLED,
    FLAG_FAILED_PAYMENT,
    FLAG_MISSED,
    FLAG_ON_TIME,
    FLAG_OTHER_CHANNEL,
    FLAG_PRICE,
    FLAG_PRICING_SKILL,
    FLAG_PROACTIVE_UNSEEN,
    FLAG_PROACTIVE_VISIBLE,
    FLAG_REFUND,
    FLAG_REPEAT,
    FLAG_WRONG_BILL,
    IMPLICIT,
    NOTE,
    NOTE_ANSWER,
    ONE_WAY,
    PIECE,
)
from pipeline.strings import Strings
from schemas.event import CASE_STATUSES, EVENT_TYPES, ONE_WAY_TYPES

NOW = 1_750_000_000_000
HOUR = 3_600_000
DAY = 24 * HOUR
TWO_WAY_TYPES = tuple(name for name in EVENT_TYPES if name not in ONE_WAY_TYPES)
FLAGS = {
    "failed_payment": FLAG_FAILED_PAYMENT,
    "refund": FLAG_REFUND,
    "seen": FLAG_PROACTIVE_VISIBLE,
    "unseen": FLAG_PROACTIVE_UNSEEN,
    "cancelled": FLAG_CANCELLED,
    "asked": FLAG_ASKED,
    "repeat": FLAG_REPEAT,
    "other_channel": FLAG_OTHER_CHANNEL,
    "bill": FLAG_BILL,
    "wrong_bill": FLAG_WRONG_BILL,
    "price": FLAG_PRICE,
    "pricing_skill": FLAG_PRICING_SKILL,
    "missed": FLAG_MISSED,
    "on_time": FLAG_ON_TIME,
}
_UNKNOWN: dict[str, float] = {
    "status": -1,
    "severity": -1,
    "visible": -1,
    "resolved": -1,
    "transfers": -1,
    "wait_s": np.nan,
    "promised_s": np.nan,
    "duration_s": np.nan,
    "amount": np.nan,
    "start_ms": NOW,
    "end_ms": NOW,
    "grouping": IMPLICIT,
    "events": 1,
}


def facts_of(*known: dict[str, Any], strings: Strings | None = None) -> NDArray[Any]:
    """One fact (dtype PIECE) per dict; ``types``, ``flags`` are names, ``segment`` a text, ``status`` a name."""
    facts = np.zeros(len(known), PIECE)
    for row, given in enumerate(known):
        values = _UNKNOWN | given
        types, flags = values.pop("types", ()), values.pop("flags", ())
        values["last_type"] = EVENT_TYPES.index(values.pop("last", types[-1])) if types else 0
        values["types"] = sum(1 << EVENT_TYPES.index(name) for name in types)
        values["flags"] = sum(FLAGS[name] for name in flags)
        if isinstance(values["status"], str):
            values["status"] = CASE_STATUSES.index(values["status"])
        if types and set(types) <= ONE_WAY_TYPES:
            values["grouping"] = ONE_WAY
        if "segment" in values:
            assert strings is not None
            values["segment"] = strings[values["segment"]]
        for name, value in values.items():
            facts[name][row] = value
    return facts


def notes_of(strings: Strings, *answers: dict[str, Any]) -> NDArray[Any]:
    """One answer (dtype NOTE) per dict of owner, scale, value, and optionally low, high, at_ms, …"""
    notes = np.zeros(len(answers), NOTE)
    for row, given in enumerate(answers):
        values = {"kind": NOTE_ANSWER, "low": np.nan, "high": np.nan, "at_ms": NOW, "event_hash": row} | given
        values["name"] = strings[values.pop("scale")]
        for name, value in values.items():
            notes[name][row] = value
    return notes


def one_answer(strings: Strings, scale: str, value: float, **more: Any) -> NDArray[Any]:
    """A single answer that belongs to fact 0."""
    return notes_of(strings, {"owner": 0, "scale": scale, "value": value, **more})


_SECONDS = st.sampled_from([np.nan, 0.0, 1.0, 30.0, 600.0, 86_400.0])


@st.composite
def known_facts(draw: st.DrawFn) -> dict[str, Any]:
    """What is known of one fact, one-way facts among them."""
    start = NOW - draw(st.integers(0, 90 * DAY))
    one_way = draw(st.integers(0, 9)) == 0
    types = st.sampled_from(sorted(ONE_WAY_TYPES) if one_way else TWO_WAY_TYPES)
    chosen = tuple(sorted(draw(st.sets(types, min_size=1, max_size=3))))
    return {
        "types": chosen,
        "last": draw(st.sampled_from(chosen)),
        "flags": () if one_way else tuple(sorted(draw(st.sets(st.sampled_from(sorted(FLAGS)), max_size=4)))),
        "start_ms": start,
        "end_ms": start + draw(st.integers(0, 3 * DAY)),
        "segment": draw(st.sampled_from(["", "home", "business"])),
        "resolved": draw(st.sampled_from([-1, 0, 1])),
        "transfers": draw(st.integers(-1, 3)),
        "status": draw(st.sampled_from([-1, *CASE_STATUSES])),
        "wait_s": draw(_SECONDS),
        "promised_s": draw(_SECONDS),
        "duration_s": draw(_SECONDS),
        "severity": draw(st.integers(-1, 4)),
        "skill": draw(st.integers(0, 2)),
        "skill_needed": draw(st.integers(0, 2)),
    }


@st.composite
def known_answers(draw: st.DrawFn, owners: int) -> dict[str, Any]:
    """One answer of one of the first ``owners`` facts."""
    scale = draw(st.sampled_from(["nps", "csat", "ces", "cxi_meets_needs", "cxi_easy", "cxi_enjoyable", "rating"]))
    ends = draw(st.sampled_from([(1.0, 5.0), (0.0, 100.0), (0.5, 5.0)])) if scale == "rating" else (np.nan, np.nan)
    return {
        "owner": draw(st.integers(0, owners - 1)),
        "scale": scale,
        "value": float(draw(st.integers(1, 5))),
        "low": ends[0],
        "high": ends[1],
        "at_ms": NOW - draw(st.integers(0, 90 * DAY)),
        "event_hash": draw(st.integers(0, 2**64 - 1)),
    }


class World:
    """Facts, which are closed, and their answers, with the strings that their codes mean."""

    def __init__(
        self, known: Sequence[dict[str, Any]], closed: Sequence[bool], answers: Sequence[dict[str, Any]]
    ) -> None:
        self.known, self.answers = list(known), list(answers)
        self.strings = Strings()
        self.facts = facts_of(*known, strings=self.strings)
        self.closed = np.array(closed, dtype=np.bool_)
        self.notes = notes_of(self.strings, *answers)

    def __repr__(self) -> str:
        return f"World({self.known}, {self.closed.tolist()}, {self.answers})"


@st.composite
def worlds(draw: st.DrawFn, *, least: int = 1, most: int = 8) -> World:
    """Up to ``most`` facts with up to as many answers."""
    known = draw(st.lists(known_facts(), min_size=least, max_size=most))
    closed = draw(st.lists(st.booleans(), min_size=len(known), max_size=len(known)))
    answers = draw(st.lists(known_answers(max(len(known), 1)), max_size=most if known else 0))
    return World(known, closed, answers)
