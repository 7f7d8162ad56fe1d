"""From an object of JSON values to an event, a tick, or a refusal with reason and message."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas.event import TICK, Event, Tick
from schemas.field_types import shown
from schemas.limits import Limits
from schemas.rejections import REASONS, Reason, RefusedError

MOST_ERRORS: Final = 3
MOST_CHARS: Final = 1000

_PYDANTIC: Final = {
    "missing": Reason.MISSING_FIELD,
    "extra_forbidden": Reason.UNKNOWN_FIELD,
    "model_type": Reason.WRONG_TYPE,
    "string_unicode": Reason.NOT_JSON,
}


def judge(fields: Mapping[str, Any], limits: Limits) -> Event | Tick:
    """The event or tick that ``fields`` are. Raises :class:`RefusedError`: the first thing wrong gives the reason."""
    model = Tick if fields.get("type") == TICK else Event
    try:
        return model.model_validate(fields, context=limits)
    except ValidationError as error:
        raise _refused(error) from None


def _refused(error: ValidationError) -> RefusedError:
    details = error.errors(include_url=False, include_input=False)[:MOST_ERRORS]
    messages = "; ".join(_message(detail) for detail in details)
    return RefusedError(_reason(details[0]), messages[:MOST_CHARS])


def _reason(detail: ErrorDetails) -> Reason:
    kind = detail["type"]
    return _PYDANTIC.get(kind) or REASONS.get(kind, Reason.INVALID_VALUE)


def _message(detail: ErrorDetails) -> str:
    if not detail["loc"]:
        return detail["msg"]
    name = str(detail["loc"][0])
    if detail["type"] == "missing":
        return f"{name}: required"
    if detail["type"] == "extra_forbidden":
        return f"{shown(name)}: unknown field{_hint(name)}"
    return f"{name}: {detail['msg']}"


@lru_cache(maxsize=1024)
def _hint(name: str) -> str:
    near = get_close_matches(name[:64], Event.model_fields, n=1, cutoff=0.75)
    return f", did you mean {near[0]}?" if near else "; own data belongs into measures or attributes"
