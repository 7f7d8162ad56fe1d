"""The kinds of field an event is made of: each checks a JSON value, and states itself as JSON Schema.

A kind is pydantic metadata (``Annotated[str, Text("max_id_chars")]``). Its limits come from the validation
context, a :class:`schemas.limits.Limits`, and are the default ones without. Checks are strict (no number in
quotes) with one exception, JSON Schema's own: 2.0 is an integer.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from typing_extensions import override

from schemas.limits import DEFAULT_LIMITS, Limits
from schemas.rejections import REASONS, Reason

EARLIEST_MS: Final = 0
"""1970-01-01."""
EARLIEST_NUMBER_MS: Final = 100_000_000_000
"""1973-03-03: a smaller number is taken for epoch seconds, and refused."""
LATEST_MS: Final = 7_258_118_399_999
"""The last millisecond of 2199."""
CONTROL: Final = re.compile(r"[\x00-\x1f]")
CLEAN: Final = r"^[^\u0000-\u001f]*$"
ZONED: Final = Annotated[datetime, msgspec.Meta(tz=True)]

Schema = dict[str, Any]


def refusal(reason: Reason, message: str) -> PydanticCustomError:
    """A pydantic error that carries a reason code."""
    return PydanticCustomError(reason.value, "{text}", {"text": message})


def shown(value: object) -> str:
    """``value`` for a message: short, printable, encodable."""
    text = value if isinstance(value, str) else repr(value) if isinstance(value, int | float) else type(value).__name__
    text = repr(text[:60] + "…" if len(text) > 60 else text) if isinstance(value, str) else text[:60]
    return text.encode("utf-8", "backslashreplace").decode()


def epoch_ms(moment: datetime) -> int:
    """Epoch milliseconds of a zoned time, parts of a millisecond cut off."""
    return round(moment.timestamp() * 1e6) // 1000


def limits_of(info: ValidationInfo) -> Limits:
    """The limits that the caller passed as validation context."""
    return info.context if isinstance(info.context, Limits) else DEFAULT_LIMITS


class Kind(ABC):
    """One kind of field."""

    @abstractmethod
    def check(self, value: object, limits: Limits) -> object:
        """The value of the field. Raises ``PydanticCustomError`` with a reason code as its type."""

    @abstractmethod
    def json_schema(self, limits: Limits) -> Schema:
        """The same as JSON Schema."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        def validate(value: object, info: ValidationInfo) -> object:
            if value is None:
                raise refusal(Reason.MISSING_FIELD, "must not be null")
            return self.check(value, limits_of(info))

        return core_schema.with_info_plain_validator_function(validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Schema:
        return self.json_schema(DEFAULT_LIMITS)


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """Unicode text without control characters, no longer than the limit named ``limit``."""

    limit: str
    least: int = 0

    @override
    def check(self, value: object, limits: Limits) -> str:
        if not isinstance(value, str):
            raise refusal(Reason.WRONG_TYPE, f"must be a string, not {shown(value)}")
        if len(value) < self.least:
            raise refusal(Reason.MISSING_FIELD, "must not be empty")
        most = getattr(limits, self.limit)
        if len(value) > most:
            raise refusal(Reason.STRING_TOO_LONG, f"has {len(value)} characters, {self.limit} is {most}")
        return _clean(value)

    @override
    def json_schema(self, limits: Limits) -> Schema:
        schema: Schema = {
            "type": "string",
            "maxLength": getattr(limits, self.limit),
            "pattern": "^[^\\u0000-\\u001f]*$",
        }
        return schema | ({"minLength": self.least} if self.least else {})


def _clean(text: str) -> str:
    control = CONTROL.search(text)
    if control:
        raise refusal(Reason.CONTROL_CHARACTER, f"holds U+{ord(control[0]):04X} at {control.start()}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise refusal(Reason.NOT_JSON, f"holds half a surrogate pair at {error.start}") from None
    return text


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """One of a few words; an empty string means "not given" if ``blank``."""

    options: tuple[str, ...]
    reason: Reason = Reason.INVALID_VALUE
    blank: bool = True

    @override
    def check(self, value: object, limits: Limits) -> str | None:
        if not isinstance(value, str):
            raise refusal(Reason.WRONG_TYPE, f"must be a string, not {shown(value)}")
        if value == "" and self.blank:
            return None
        if value == "":
            raise refusal(Reason.MISSING_FIELD, "must not be empty")
        if value not in self.options:
            raise refusal(self.reason, f"{shown(value)} is none of {', '.join(self.options)}")
        return value

    @override
    def json_schema(self, limits: Limits) -> Schema:
        return {"type": "string", "enum": [*self.options, ""] if self.blank else list(self.options)}


@dataclass(frozen=True, slots=True)
class Whole(Kind):
    """A whole number from ``least`` to ``most``."""

    least: int
    most: int

    @override
    def check(self, value: object, limits: Limits) -> int:
        number = _number(value)
        if number != int(number):
            raise refusal(Reason.WRONG_TYPE, f"must be a whole number, not {shown(value)}")
        if not self.least <= number <= self.most:
            raise refusal(Reason.NUMBER_OUT_OF_RANGE, f"{shown(value)} is not within {self.least}..{self.most}")
        return int(number)

    @override
    def json_schema(self, limits: Limits) -> Schema:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Number(Kind):
    """A finite number, of magnitude at most ``max_number``, not below zero unless ``signed``."""

    signed: bool = True

    def least(self, limits: Limits) -> float:
        """The smallest number allowed."""
        return -limits.max_number if self.signed else 0.0

    @override
    def check(self, value: object, limits: Limits) -> float:
        number = _number(value)
        if not self.least(limits) <= number <= limits.max_number:
            span = f"{self.least(limits):g}..{limits.max_number:g}"
            raise refusal(Reason.NUMBER_OUT_OF_RANGE, f"{shown(value)} is not within {span} (max_number)")
        return float(number)

    @override
    def json_schema(self, limits: Limits) -> Schema:
        return {"type": "number", "minimum": self.least(limits), "maximum": limits.max_number}


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refusal(Reason.WRONG_TYPE, f"must be a number, not {shown(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise refusal(Reason.NOT_FINITE, f"must be finite, not {value}")
    return value


@dataclass(frozen=True, slots=True)
class Flag(Kind):
    """true or false."""

    @override
    def check(self, value: object, limits: Limits) -> bool:
        if not isinstance(value, bool):
            raise refusal(Reason.WRONG_TYPE, f"must be true or false, not {shown(value)}")
        return value

    @override
    def json_schema(self, limits: Limits) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Moment(Kind):
    """A time from 1970 to 2199: RFC 3339 with a zone, or epoch milliseconds. Its value is epoch milliseconds."""

    @override
    def check(self, value: object, limits: Limits) -> int:
        if isinstance(value, str):
            return self._from_text(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refusal(Reason.BAD_TIME, f"must be a time, not {shown(value)}")
        if not EARLIEST_NUMBER_MS <= value <= LATEST_MS or value != int(value):
            hint = "; is it in seconds?" if 0 < value < EARLIEST_NUMBER_MS else ""
            raise refusal(Reason.BAD_TIME, f"{shown(value)} is no epoch milliseconds of 1973..2199{hint}")
        return int(value)

    def _from_text(self, text: str) -> int:
        try:
            moment = epoch_ms(msgspec.convert(text, ZONED))
        except (msgspec.ValidationError, UnicodeEncodeError):
            raise refusal(Reason.BAD_TIME, f"{shown(text)} is not RFC 3339 with a zone") from None
        if not EARLIEST_MS <= moment <= LATEST_MS:
            raise refusal(Reason.BAD_TIME, f"{shown(text)} is not within 1970..2199")
        return moment

    @override
    def json_schema(self, limits: Limits) -> Schema:
        number = {"type": "integer", "minimum": EARLIEST_NUMBER_MS, "maximum": LATEST_MS}
        return {"oneOf": [{"type": "string", "format": "date-time"}, number]}


@dataclass(frozen=True, slots=True)
class Entries(Kind):
    """An object of at most ``limit`` entries: names to values of one kind."""

    limit: str
    value: Kind
    name: Text = Text("max_label_chars", least=1)

    @override
    def check(self, value: object, limits: Limits) -> dict[str, object]:
        if not isinstance(value, dict):
            raise refusal(Reason.WRONG_TYPE, f"must be an object, not {shown(value)}")
        most = getattr(limits, self.limit)
        if len(value) > most:
            raise refusal(Reason.TOO_MANY_ENTRIES, f"has {len(value)} entries, {self.limit} is {most}")
        return {self.name.check(name, limits): self._entry(name, entry, limits) for name, entry in value.items()}

    def _entry(self, name: str, entry: object, limits: Limits) -> object:
        try:
            return self.value.check(entry, limits)
        except PydanticCustomError as error:
            raise refusal(REASONS[error.type], f"entry {shown(name)} {error.message()}") from None

    @override
    def json_schema(self, limits: Limits) -> Schema:
        return {
            "type": "object",
            "maxProperties": getattr(limits, self.limit),
            "propertyNames": self.name.json_schema(limits),
            "additionalProperties": self.value.json_schema(limits),
        }
