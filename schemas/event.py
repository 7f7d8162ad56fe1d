"""The interaction event: this model is the truth, everything else (JSON Schema, AsyncAPI, decoder) is made from it.

Unknown fields are refused, because a misspelt optional field would silently change scores; own data goes into
``measures`` and ``attributes``. ``null`` and the empty string mean "not given". CloudEvents extensions live
around the event and never disturb it. Of repeated JSON keys the last counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from schemas.field_types import Choice, Entries, Flag, Moment, Number, Text, Whole, limits_of, refusal
from schemas.limits import Limits
from schemas.rejections import Reason, RefusedError

DEFAULT_CHANNELS: Final[Mapping[str, str]] = {
    "browse": "web",
    "call": "phone",
    "chat": "chat",
    "message": "message",
    "conversation": "in_person",
    "store_visit": "store",
    "purchase": "web",
    "payment": "payment",
    "use": "product",
    "installation": "field_service",
    "delivery": "delivery",
    "case": "case",
    "complaint": "phone",
    "failure": "product",
    "recovery": "product",
    "proactive_service": "message",
    "answer": "survey",
    "ad": "ad",
    "recommendation": "recommendation",
    "promise": "promise",
}
"""Event type -> channel of an event that names none."""

EVENT_TYPES: Final = tuple(DEFAULT_CHANNELS)
"""Event types; the index is the type code. Append only: codes are part of stored state."""

ONE_WAY_TYPES: Final = frozenset({"ad", "recommendation", "promise"})
"""Types that only raise expectations: they never move perception. All others are two-way."""

CASE_STATUSES: Final = ("opened", "updated", "resolved", "reopened", "closed")
"""Statuses of type ``case``; the index is the status code. Append only."""

SCALES: Final[Mapping[str, tuple[float, float] | None]] = {
    "nps": (0.0, 10.0),
    "csat": (1.0, 5.0),
    "ces": (1.0, 7.0),
    "cxi_meets_needs": (1.0, 5.0),
    "cxi_easy": (1.0, 5.0),
    "cxi_enjoyable": (1.0, 5.0),
    "rating": None,
}
"""Scale of an answer -> (worst, best) unless the event says otherwise; None: the event has to say."""

TICK: Final = "tick"
"""Type of the control record that moves the watermark of an idle partition."""

INT32_MAX: Final = 2**31 - 1
ANSWER_FIELDS: Final = ("scale", "value", "scale_min", "scale_max")

Identifier = Annotated[str, Text("max_id_chars")]
RequiredIdentifier = Annotated[str, Text("max_id_chars", least=1)]
Label = Annotated[str, Text("max_label_chars")]
Seconds = Annotated[float, Number(signed=False)]
Amount = Annotated[float, Number()]
Count = Annotated[int, Whole(0, 10_000)]
Time = Annotated[int, Moment()]

_SEVERITY: Final = "1 minor, 2 moderate, 3 major, 4 critical."


def _field(description: str, **more: Any) -> Any:
    return Field(default=None, description=description, **more)


class Event(BaseModel):
    """Something that happened between a customer and the company."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="Interaction event")

    event_id: RequiredIdentifier = Field(
        description="Unique per customer: a repeat is a producer's duplicate, and the first in the log counts."
    )
    customer_id: RequiredIdentifier = Field(description="The customer. Also the Kafka key, as UTF-8 bytes.")
    occurred_at: Time = Field(
        description="When it happened: RFC 3339 with a zone, or epoch milliseconds. Fractions of a millisecond are cut."
    )
    type: Annotated[str, Choice(EVENT_TYPES, Reason.UNKNOWN_TYPE, blank=False)] = Field(
        description="What happened. One-way types (" + ", ".join(sorted(ONE_WAY_TYPES)) + ") never move perception."
    )
    channel: Label | None = _field(
        "Where it happened, such as web, phone or store. If not given, the usual one of the type."
    )
    touchpoint: Label | None = _field("The page, desk, device or step inside the channel.")
    segment: Label | None = _field("The customer's segment; the last one given counts.")
    interaction_id: Identifier | None = _field("Explicit id of the interaction (a call, a chat). Never cut by a gap.")
    journey_id: Identifier | None = _field("Explicit id of the journey (a case, an order). Never cut by a gap.")
    goal: Label | None = _field("What the customer wants to achieve; journeys are kept apart by goal.")
    reason: Label | None = _field("Why the customer is in touch, such as bill or fault.")
    outcome: Label | None = _field("How it ended, such as completed, failed, refund or goal_reached.")
    team: Label | None = _field("The team that handled it.")
    skill: Label | None = _field("The skill of the one who handled it.")
    skill_needed: Label | None = _field("The skill that it needs.")
    status: Annotated[str, Choice(CASE_STATUSES)] | None = _field("Type case only, required there: what became of it.")
    severity: Annotated[int, Whole(1, 4)] | None = _field(f"How bad it is. {_SEVERITY}")
    visible: Annotated[bool, Flag()] | None = _field("Whether the customer could notice it (proactive_service).")
    resolved: Annotated[bool, Flag()] | None = _field("Whether the customer's matter was settled.")
    transfers: Count | None = _field("How often the customer was handed on, count.")
    wait_s: Seconds | None = _field("How long the customer waited, seconds.")
    promised_s: Seconds | None = _field("How long the company had said it would take, seconds.")
    duration_s: Seconds | None = _field("How long it took, seconds.")
    amount: Amount | None = _field("Money in the company's currency, major units; negative if paid back.")
    sequence: Annotated[int, Whole(0, INT32_MAX)] | None = _field(
        "Order of events that happened in the same millisecond, ascending; 0 if not given."
    )
    scale: Annotated[str, Choice(tuple(SCALES))] | None = _field("Type answer only, required there: the question.")
    value: Amount | None = _field("Type answer only, required there: the answer, in units of its scale.")
    scale_min: Amount | None = _field("Worst answer of the scale; required for rating, else the usual one.")
    scale_max: Amount | None = _field("Best answer of the scale; required for rating, else the usual one.")
    measures: Annotated[dict[str, float], Entries("max_measures", Number())] | None = _field("Own numbers by name.")
    attributes: Annotated[dict[str, str], Entries("max_attributes", Text("max_text_chars"))] | None = _field(
        "Own texts by name."
    )

    @model_validator(mode="after")
    def _keep_rules(self, info: ValidationInfo) -> Self:
        try:
            check_rules(self, limits_of(info))
        except RefusedError as error:
            raise refusal(error.reason, error.message) from None
        return self


class Tick(BaseModel):
    """Control record: time has come this far in this partition although no customer did anything."""

    model_config = ConfigDict(extra="ignore", frozen=True, title="Tick")

    type: Annotated[str, Choice((TICK,), blank=False)] = Field(description="Always tick.")
    occurred_at: Time = Field(description="The watermark rises to this: RFC 3339 with a zone, or epoch milliseconds.")


def check_rules(event: Any, limits: Limits) -> None:
    """Rules between fields, of anything with the attributes of :class:`Event`. Raises :class:`RefusedError`."""
    if event.type == "answer":
        _check_answer(event, limits)
    elif any(getattr(event, name) is not None for name in ANSWER_FIELDS):
        raise RefusedError(
            Reason.MISPLACED_FIELD, f"{', '.join(ANSWER_FIELDS)} belong to type answer, not {event.type}"
        )
    if event.type == "case" and event.status is None:
        raise RefusedError(Reason.MISSING_FIELD, f"status: type case requires one of {', '.join(CASE_STATUSES)}")
    if event.type != "case" and event.status is not None:
        raise RefusedError(Reason.MISPLACED_FIELD, f"status belongs to type case, not {event.type}")


def _check_answer(event: Any, limits: Limits) -> None:
    if event.scale is None or event.value is None:
        raise RefusedError(Reason.MISSING_FIELD, "type answer requires scale and value")
    low, high = scale_range(event.scale, event.scale_min, event.scale_max)
    if low is None or high is None:
        raise RefusedError(Reason.MISSING_FIELD, f"scale {event.scale} requires scale_min and scale_max")
    if not low < high:
        raise RefusedError(Reason.BAD_ANSWER, f"scale_min {low:g} is not below scale_max {high:g}")
    if high - low > limits.max_scale_span:
        raise RefusedError(
            Reason.BAD_ANSWER, f"the scale spans {high - low:g}, max_scale_span is {limits.max_scale_span:g}"
        )
    if not low <= event.value <= high:
        raise RefusedError(Reason.BAD_ANSWER, f"value {event.value:g} is not within {event.scale} {low:g}..{high:g}")


def scale_range(scale: str, low: float | None, high: float | None) -> tuple[float | None, float | None]:
    """Worst and best answer: as given, else the usual ones of ``scale`` (None if it has none)."""
    usual_low, usual_high = SCALES[scale] or (None, None)
    return usual_low if low is None else low, usual_high if high is None else high
