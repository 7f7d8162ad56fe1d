"""The declared ClickHouse tables: what the pipeline writes and what the migrations must create.

Every row is a cumulative fact with a ``version``; a repeat replaces, it never adds. Physical tables end in
``_rows``; dashboards read the views without the suffix, which are right on unmerged parts.
Times are UTC with milliseconds; in memory they are epoch milliseconds (``int64``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DIMENSIONS: Final = ("meets_needs", "easy", "enjoyable")
"""The pyramid of customer experience, bottom first (Forrester)."""

HORIZONS: Final = ("interaction", "journey", "relationship")
"""The three time frames of an experience, shortest first."""

STRING: Final = "String"
LABEL: Final = "LowCardinality(String)"
TIME: Final = "DateTime64(3, 'UTC')"
FLOAT: Final = "Float64"
MAYBE_FLOAT: Final = "Nullable(Float64)"
MAYBE_INT: Final = "Nullable(Int32)"
MAYBE_BOOL: Final = "Nullable(Bool)"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name and its ClickHouse type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Table:
    """A ReplacingMergeTree table: the row's identity is its sorting key, ``version`` decides who wins.

    ``deletable`` tables carry ``is_deleted``: a retraction is a row like any other.
    """

    name: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    deletable: bool = True

    @property
    def column_names(self) -> tuple[str, ...]:
        """Column names in declared order."""
        return tuple(column.name for column in self.columns)


def _columns(*groups: tuple[str, str] | tuple[tuple[str, str], ...]) -> tuple[Column, ...]:
    flat: list[Column] = []
    for group in groups:
        pairs = (group,) if isinstance(group[0], str) else group
        flat.extend(Column(name, kind) for name, kind in pairs)
    return tuple(flat)


def per_dimension(pattern: str, kind: str = FLOAT) -> tuple[tuple[str, str], ...]:
    """``pattern`` with ``{}`` replaced by each dimension, bottom of the pyramid first."""
    return tuple((pattern.format(dimension), kind) for dimension in DIMENSIONS)


def sums(horizon: str, *, stated: bool) -> tuple[tuple[str, str], ...]:
    """Decayed sums of one horizon: weight W, weighted value S and, if ``stated``, the part of W from answers."""
    parts = ("weight", "sum", "stated") if stated else ("weight", "sum")
    return tuple((f"{horizon}_{dimension}_{part}", FLOAT) for dimension in DIMENSIONS for part in parts)


def scored() -> tuple[tuple[str, str], ...]:
    """A score per dimension with its 90 % interval and how sure it is."""
    parts = ("score", "low", "high", "confidence", "inferred_share")
    return tuple((f"{dimension}_{part}", FLOAT) for part in parts for dimension in DIMENSIONS)


_VERSION: Final = (("source_partition", "Int32"), ("version", "UInt64"))
_DELETABLE: Final = (*_VERSION, ("is_deleted", "UInt8"))
_SOURCE: Final = (("source_topic", LABEL), ("source_partition", "Int32"), ("source_offset", "Int64"))
_DETAILS: Final = (
    ("severity", MAYBE_INT),
    ("visible", MAYBE_BOOL),
    ("resolved", MAYBE_BOOL),
    ("transfers", MAYBE_INT),
    ("wait_s", MAYBE_FLOAT),
    ("promised_s", MAYBE_FLOAT),
    ("duration_s", MAYBE_FLOAT),
    ("amount", MAYBE_FLOAT),
)
_LABELS: Final = tuple(
    (name, LABEL)
    for name in ("segment", "touchpoint", "goal", "reason", "outcome", "status", "team", "skill", "skill_needed")
)

EVENTS: Final = Table(
    "event_rows",
    _columns(
        ("customer_id", STRING),
        ("event_id", STRING),
        ("occurred_at", TIME),
        ("sequence", "Int32"),
        ("type", LABEL),
        ("channel", LABEL),
        ("session_key", "UInt64"),
        ("interaction_id", STRING),
        ("journey_id", STRING),
        _LABELS,
        _DETAILS,
        ("scale", LABEL),
        ("value", MAYBE_FLOAT),
        ("scale_min", MAYBE_FLOAT),
        ("scale_max", MAYBE_FLOAT),
        ("measures", "Map(LowCardinality(String), Float64)"),
        ("attributes", "Map(LowCardinality(String), String)"),
        ("appended_at", TIME),
        _SOURCE,
        ("version", "UInt64"),
    ),
    identity=("customer_id", "event_id"),
    deletable=False,
)
"""Accepted events. ``version`` = 2^63 - 1 - offset, so of conflicting duplicates the first in the log wins."""

INTERACTIONS: Final = Table(
    "interaction_rows",
    _columns(
        ("customer_id", STRING),
        ("interaction_key", STRING),
        ("session_key", "UInt64"),
        ("interaction_id", STRING),
        ("journey_key", STRING),
        ("journey_id", STRING),
        ("channel", LABEL),
        ("type", LABEL),
        _LABELS,
        ("started_at", TIME),
        ("ended_at", TIME),
        ("closed", "Bool"),
        ("events", "UInt32"),
        _DETAILS,
        ("complaint", "Bool"),
        ("failure", "Bool"),
        ("failed_payment", "Bool"),
        ("completed", "Bool"),
        ("answers", "UInt32"),
        sums("interaction", stated=True),
        sums("journey", stated=False),
        sums("relationship", stated=False),
        scored(),
        per_dimension("{}_rational"),
        ("unseen_service", "Bool"),
        ("model", LABEL),
        _DELETABLE,
    ),
    identity=("customer_id", "interaction_key"),
)
"""One row per interaction: its fact as known now, its evidence (undecayed; decayed to ``ended_at`` per horizon)
and its score with the segment's prior, which is what cells aggregate. Decayed sums hold the amends of recoveries too
(``pipeline.amends``). Scores and intervals are not clipped; ``rational`` is the score without the answers; ``model`` is
the version of the model that made the row."""

JOURNEYS: Final = Table(
    "journey_rows",
    _columns(
        ("customer_id", STRING),
        ("journey_key", STRING),
        ("journey_id", STRING),
        ("goal", LABEL),
        ("segment", LABEL),
        ("started_at", TIME),
        ("ended_at", TIME),
        ("state", LABEL),
        ("interactions", "UInt32"),
        ("events", "UInt32"),
        ("resolved", MAYBE_BOOL),
        ("transfers", "Int64"),
        ("wait_s", FLOAT),
        ("duration_s", FLOAT),
        ("answers", "UInt32"),
        sums("interaction", stated=True),
        scored(),
        ("model", LABEL),
        _DELETABLE,
    ),
    identity=("customer_id", "journey_key"),
)
"""One row per journey; ``state`` is open, completed or silent. Sums are the undecayed evidence of its interactions."""

CUSTOMERS: Final = Table(
    "customer_rows",
    _columns(
        ("customer_id", STRING),
        ("segment", LABEL),
        ("first_seen", TIME),
        ("last_seen", TIME),
        ("as_of", TIME),
        ("events", "UInt64"),
        ("interactions", "UInt64"),
        ("answers", "UInt64"),
        sums("journey", stated=True),
        sums("relationship", stated=True),
        ("model", LABEL),
        _DELETABLE,
    ),
    identity=("customer_id",),
)
"""Decayed sums per customer at ``as_of``; the views turn them into scores with intervals at any time."""

CELLS: Final = Table(
    "cell_rows",
    _columns(
        ("grain", LABEL),
        ("scope", LABEL),
        ("channel", LABEL),
        ("segment", LABEL),
        ("touchpoint", LABEL),
        ("bucket_at", TIME),
        ("interactions", "UInt64"),
        ("customers", "UInt64"),
        ("answer_customers", "UInt64"),
        per_dimension("{}_n"),
        per_dimension("{}_sum"),
        per_dimension("{}_sumsq"),
        per_dimension("{}_answers"),
        per_dimension("{}_answer_sum"),
        per_dimension("{}_answer_sumsq"),
        _DELETABLE,
    ),
    identity=("grain", "scope", "channel", "segment", "touchpoint", "bucket_at", "source_partition"),
)
"""Totals per scope and bucket and source partition; sum over ``source_partition`` when reading."""

RECOVERIES: Final = Table(
    "recovery_rows",
    _columns(
        ("customer_id", STRING),
        ("failure_key", STRING),
        ("failed_at", TIME),
        ("recovered_at", "Nullable(DateTime64(3, 'UTC'))"),
        ("journey_id", STRING),
        ("reason", LABEL),
        ("channel", LABEL),
        ("touchpoint", LABEL),
        ("segment", LABEL),
        ("severity", MAYBE_INT),
        ("failed_again", "Bool"),
        _DELETABLE,
    ),
    identity=("customer_id", "failure_key"),
)
"""One row per failure, followed until it is fixed; ``failed_again`` if a failure of the same thread came later."""

EXPECTATIONS: Final = Table(
    "expectation_rows",
    _columns(
        ("customer_id", STRING),
        ("as_of", TIME),
        ("ads", "UInt64"),
        ("recommendations", "UInt64"),
        ("promises", "UInt64"),
        ("ad_exposure", FLOAT),
        ("recommendation_exposure", FLOAT),
        ("promise_exposure", FLOAT),
        _DELETABLE,
    ),
    identity=("customer_id",),
)
"""What one-way events raised: counts, and exposures decayed to ``as_of`` with the journey half-life."""

REJECTED: Final = Table(
    "rejected_rows",
    _columns(
        _SOURCE,
        ("reason", LABEL),
        ("message", STRING),
        ("key", STRING),
        ("payload", STRING),
        ("appended_at", TIME),
        ("version", "UInt64"),
    ),
    identity=("source_topic", "source_partition", "source_offset"),
    deletable=False,
)
"""Bad input with its original bytes; ``key`` and ``payload`` are base64, the view decodes them."""

LATE: Final = Table(
    "late_rows",
    _columns(
        _SOURCE,
        ("customer_id", STRING),
        ("event_id", STRING),
        ("occurred_at", TIME),
        ("watermark", TIME),
        ("payload", STRING),
        ("appended_at", TIME),
        ("version", "UInt64"),
    ),
    identity=("source_topic", "source_partition", "source_offset"),
    deletable=False,
)
"""Valid events later than the allowed lateness: kept with their payload (base64), never folded into state."""

CUSTOMER_ALERTS: Final = Table(
    "customer_alert_rows",
    _columns(
        ("customer_id", STRING),
        ("alert_id", STRING),
        ("fingerprint", STRING),
        ("detector", LABEL),
        ("kind", LABEL),
        ("channel", LABEL),
        ("segment", LABEL),
        ("touchpoint", LABEL),
        ("reason", LABEL),
        ("dimensions", STRING),
        ("since_at", TIME),
        ("at", TIME),
        ("size", FLOAT),
        ("evidence", FLOAT),
        ("threshold", FLOAT),
        ("expected", MAYBE_FLOAT),
        ("observed", MAYBE_FLOAT),
        _DELETABLE,
    ),
    identity=("customer_id", "alert_id"),
)
"""One row per alert about a single customer; retracted if a later event took back what was found."""

ALERTS: Final = Table(
    "alert_rows",
    _columns(
        ("alert_id", STRING),
        ("sequence", "UInt32"),
        ("fingerprint", STRING),
        ("state", LABEL),
        ("amended", "Bool"),
        ("reason", STRING),
        ("detector", LABEL),
        ("kind", LABEL),
        ("grain", LABEL),
        ("scope", STRING),
        ("channel", LABEL),
        ("segment", LABEL),
        ("touchpoint", LABEL),
        ("customer_id", STRING),
        ("dimensions", STRING),
        ("since_at", TIME),
        ("at", TIME),
        ("watermark_at", TIME),
        ("size", FLOAT),
        ("evidence", FLOAT),
        ("threshold", FLOAT),
        ("customers", "UInt64"),
        ("expected", MAYBE_FLOAT),
        ("observed", MAYBE_FLOAT),
        ("parent", STRING),
        ("affected", STRING),
        ("cause", STRING),
        ("version", "UInt64"),
    ),
    identity=("alert_id", "sequence"),
    deletable=False,
)
"""One row per transition of an alert, as on the topic (:mod:`schemas.alert`); structures are JSON."""

TABLES: Final = (
    EVENTS,
    INTERACTIONS,
    JOURNEYS,
    CUSTOMERS,
    CELLS,
    RECOVERIES,
    EXPECTATIONS,
    REJECTED,
    LATE,
    ALERTS,
    CUSTOMER_ALERTS,
)
BY_NAME: Final = {table.name: table for table in TABLES}
