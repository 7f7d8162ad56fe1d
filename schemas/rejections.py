"""Why a record is rejected: reason codes, each with an explanation and what an operator does about it.

The errors of this package::

    ValueError
    └── RefusedError            a record breaks the contract: ``reason`` and ``message``

A refusal is data: it ends as a row of the rejected table and a record of the rejected topic, never as a crash.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Self


class Reason(StrEnum):
    """Code of a rejection; ``explanation`` says what is wrong, ``action`` what to do."""

    explanation: str
    action: str

    def __new__(cls, code: str, explanation: str, action: str) -> Self:
        """A member: its code is its value."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.explanation = explanation
        member.action = action
        return member

    NULL_VALUE = (
        "null_value",
        "The record has no value (a tombstone).",
        "Stop the producer from sending tombstones; erasure is not done through this topic.",
    )
    TOO_LARGE = (
        "too_large",
        "The value is larger than max_bytes.",
        "Send references instead of documents, or raise PERCEPTION_LIMITS__MAX_BYTES and requeue.",
    )
    NOT_JSON = (
        "not_json",
        "The value is not JSON text in UTF-8.",
        "Look at the payload: another format (Avro, Protobuf), a cut-off record, or a foreign producer.",
    )
    TOO_DEEP = (
        "too_deep",
        "Objects or arrays are nested deeper than max_depth.",
        "Flatten the event: own data belongs into measures and attributes.",
    )
    BAD_ENVELOPE = (
        "bad_envelope",
        "The CloudEvents or Confluent envelope around the event is broken.",
        "Compare the producer with the examples of its wire format in schemas/examples/accepted.",
    )
    WRONG_TYPE = (
        "wrong_type",
        "A field has the wrong JSON type, for instance a number in quotes.",
        "Fix the producer: numbers are JSON numbers, flags are true or false.",
    )
    NOT_FINITE = (
        "not_finite",
        "A number is NaN or Infinity.",
        "Leave the field out, or send null, where there is no number.",
    )
    NUMBER_OUT_OF_RANGE = (
        "number_out_of_range",
        "A number is outside the range of its field.",
        "Check the unit: durations are seconds, severity is 1 to 4.",
    )
    MISSING_FIELD = (
        "missing_field",
        "A required field is missing, null or empty.",
        "Fix the producer; answers need scale and value, cases need status.",
    )
    UNKNOWN_FIELD = (
        "unknown_field",
        "The event has a field that the schema does not know.",
        "Correct the spelling, or put own data into measures (numbers) and attributes (text).",
    )
    MISPLACED_FIELD = (
        "misplaced_field",
        "The event has a field that belongs to another type.",
        "Send scale and value only with answer, status only with case; money is amount.",
    )
    UNKNOWN_TYPE = (
        "unknown_type",
        "The type is none of the event types.",
        "Map the producer's type to one of schemas.event.EVENT_TYPES.",
    )
    INVALID_VALUE = (
        "invalid_value",
        "A field has a value that is none of its choices.",
        "Use one of the values that the message lists.",
    )
    BAD_TIME = (
        "bad_time",
        "occurred_at is no time: neither RFC 3339 with a zone nor epoch milliseconds.",
        "Add the zone (Z or +01:00); if the number is seconds, multiply by 1000.",
    )
    FAR_FUTURE = (
        "far_future",
        "The event occurred long after the broker received it.",
        "Set the producer's clock and zone right, then requeue with corrected times.",
    )
    STRING_TOO_LONG = (
        "string_too_long",
        "A text is longer than its limit.",
        "Shorten it at the producer, or raise the limit that the message names.",
    )
    CONTROL_CHARACTER = (
        "control_character",
        "A text holds a control character (below U+0020, such as a tab or a line break).",
        "Strip control characters at the producer.",
    )
    TOO_MANY_ENTRIES = (
        "too_many_entries",
        "measures or attributes have too many entries.",
        "Send what is analysed, not whole documents, or raise the limit that the message names.",
    )
    BAD_ANSWER = (
        "bad_answer",
        "The answer lies outside its scale, or the scale makes no sense.",
        "Check the survey's scale; other ranges than the usual need scale_min and scale_max.",
    )
    KEY_MISMATCH = (
        "key_mismatch",
        "The Kafka key is not the customer_id, so the customer would be spread over partitions.",
        "Produce with the UTF-8 bytes of customer_id as key.",
    )


REASONS: Final = {reason.value: reason for reason in Reason}


class RefusedError(ValueError):
    """A record breaks the contract."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(f"{reason.value}: {message}")
        self.reason = reason
        self.message = message
