"""What is compared: a view and the table of the oracle that must say the same, brought to the same columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.tables import DIMENSIONS


@dataclass(frozen=True, slots=True)
class Pair:
    """Two relations with the columns ``identity``, ``exact`` and ``floats``."""

    name: str
    identity: tuple[str, ...]
    exact: tuple[str, ...]
    floats: tuple[str, ...]
    view: str
    oracle: str


def _moment(name: str, milliseconds: str) -> str:
    return f"fromUnixTimestamp64Milli({milliseconds}, 'UTC') AS {name}"


def _by_dimension(source: str, kept: str, columns: dict[str, str]) -> str:
    """SELECT with a row per dimension of ``source``; ``columns``: name -> expression, ``{}`` is the dimension."""
    lines = ", ".join(
        "(" + ", ".join((f"'{name}'", *(column.format(name) for column in columns.values()))) + ")"
        for name in DIMENSIONS
    )
    named = ", ".join(f"line.{place} AS {name}" for place, name in enumerate(("dimension", *columns), start=1))
    return f"SELECT {kept}, {named} FROM {source} ARRAY JOIN [{lines}] AS line"


_TEXTS: Final = (
    "interaction_id",
    "journey_id",
    "channel",
    "type",
    "segment",
    "touchpoint",
    "goal",
    "reason",
    "outcome",
    "status",
    "team",
    "skill",
    "skill_needed",
)
_INTERACTION: Final = (
    "journey_key",
    *_TEXTS,
    "started_at",
    "ended_at",
    "toBool(closed)",
    "events",
    "severity",
    "visible",
    "resolved",
    "transfers",
    *(f"toBool({name})" for name in ("complaint", "failure", "failed_payment", "completed")),
    "answers",
)
_TIMES: Final = f"{_moment('started_at', 'started_ms')}, {_moment('ended_at', 'ended_ms')}"
_EVIDENCE: Final = {
    "weight": "interaction_{}_weight",
    "evidence": "interaction_{}_sum",
    "stated": "interaction_{}_stated",
    "score": "{}_score",
}
_DECAYED: Final = {
    f"{horizon}_{part}": f"{horizon}_{{}}_{part}"
    for horizon in ("journey", "relationship")
    for part in ("weight", "sum")
}
_SUMS: Final = " UNION ALL ".join(
    _by_dimension(
        "(SELECT c.*, exp2((toUnixTimestamp64Milli(as_of) - toUnixTimestamp64Milli(last_seen)) "
        f"/ m.{horizon}_half_life_ms) AS faded FROM customers AS c CROSS JOIN model AS m)",
        f"customer_id, '{horizon}' AS horizon",
        {part: f"faded * {horizon}_{{}}_{part}" for part in ("weight", "sum", "stated")},
    )
    for horizon in ("journey", "relationship")
)
"""Sums at the customer's last event instead of at their reference time."""
_SCOPE: Final = ("grain", "scope", "channel", "segment", "touchpoint", "bucket_at")
_CELL_COUNTS: Final = ("interactions", "customers", "answer_customers")
_CELL_PARTS: Final = {
    "n": "{}_n",
    "points": "{}_sum",
    "squares": "{}_sumsq",
    "answers": "{}_answers",
    "answer_points": "{}_answer_sum",
    "answer_squares": "{}_answer_sumsq",
}
_CELLS: Final = _by_dimension(
    "(SELECT "
    + ", ".join(
        (
            *_SCOPE,
            *(f"sum(t.{name}) AS {name}" for name in _CELL_COUNTS),
            *(f"sum(t.{part.format(d)}) AS {part.format(d)}" for d in DIMENSIONS for part in _CELL_PARTS.values()),
        )
    )
    + f" FROM cell_rows AS t FINAL GROUP BY {', '.join(_SCOPE)})",
    ", ".join((*_SCOPE, *_CELL_COUNTS)),
    _CELL_PARTS,
)
"""Totals over source partitions, as the view ``cells`` sums them."""

PAIRS: Final = (
    Pair(
        "interactions",
        ("customer_id", "interaction_key"),
        _INTERACTION,
        ("wait_s", "promised_s", "duration_s", "amount"),
        "interactions",
        f"(SELECT *, {_TIMES} FROM oracle_interaction_journeys)",
    ),
    Pair(
        "event_journeys",
        ("customer_id", "event_id"),
        ("interaction_key", "journey_key"),
        (),
        "(SELECT * FROM event_journeys WHERE NOT one_way)",
        "(SELECT s.customer_id AS customer_id, s.event_id AS event_id, i.interaction_key AS interaction_key, "
        "i.journey_key AS journey_key FROM oracle_steps AS s LEFT JOIN oracle_interaction_journeys AS i "
        "ON i.customer_id = s.customer_id AND i.interaction_key = s.interaction_key)",
    ),
    Pair(
        "journeys",
        ("customer_id", "journey_key"),
        (
            *("journey_id", "goal", "segment", "started_at", "ended_at", "state"),
            *("interactions", "events", "resolved", "transfers", "answers"),
        ),
        ("wait_s", "duration_s"),
        "journeys",
        f"(SELECT *, {_TIMES} FROM oracle_journeys)",
    ),
    Pair(
        "evidence",
        ("customer_id", "interaction_key", "dimension"),
        (),
        (*_EVIDENCE, *_DECAYED),
        f"({_by_dimension('interactions', 'customer_id, interaction_key', _EVIDENCE | _DECAYED)})",
        "(SELECT * EXCEPT (sum), sum AS evidence FROM oracle_evidence)",
    ),
    Pair(
        "journey_evidence",
        ("customer_id", "journey_key", "dimension"),
        (),
        tuple(_EVIDENCE),
        f"({_by_dimension('journeys', 'customer_id, journey_key', _EVIDENCE)})",
        "oracle_journey_evidence",
    ),
    Pair(
        "sums",
        ("customer_id", "horizon", "dimension"),
        (),
        ("weight", "sum", "stated"),
        f"(SELECT * FROM ({_SUMS}) WHERE weight > 0)",
        "(SELECT * FROM oracle_sums WHERE weight > 0)",
    ),
    Pair(
        "customers",
        ("customer_id",),
        ("segment", "first_seen", "last_seen", "events", "interactions", "answers"),
        (),
        "customers",
        f"(SELECT *, {_moment('first_seen', 'first_ms')}, {_moment('last_seen', 'last_ms')} FROM oracle_customers)",
    ),
    Pair(
        "cells",
        (*_SCOPE, "dimension"),
        (*_CELL_COUNTS, "n", "answers"),
        ("points", "squares", "answer_points", "answer_squares"),
        f"({_CELLS})",
        f"(SELECT *, {_moment('bucket_at', 'bucket_ms')} FROM oracle_cells)",
    ),
)
