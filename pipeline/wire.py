"""Wire formats: from a record's bytes and headers to the fields of an event.

- plain: the value is the event as a JSON object;
- Confluent: a zero byte and a four-byte schema id, then JSON;
- CloudEvents 1.0 binary: ``ce_`` headers, the value is the event;
- CloudEvents 1.0 structured: a JSON object with ``specversion``, the event is its ``data``.

CloudEvents attributes fill the fields that the event itself leaves out: ``id`` event_id, ``subject``
customer_id, ``time`` occurred_at, ``type`` type (its last part: ``com.example.call.v1`` is call). Other
attributes and extensions are left alone.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final

from pipeline.batch import Headers
from pipeline.decode_json import parse
from schemas.event import EVENT_TYPES, TICK
from schemas.limits import Limits
from schemas.rejections import Reason, RefusedError

CONFLUENT_MAGIC: Final = b"\x00"
CONFLUENT_PREFIX: Final = 5
CE_PREFIX: Final = "ce_"
CE_CONTENT_TYPE: Final = "application/cloudevents"
CE_REQUIRED: Final = ("id", "source", "specversion", "type")
CE_FILLS: Final = {"id": "event_id", "subject": "customer_id", "time": "occurred_at", "type": "type"}
"""CloudEvents attribute -> the field it stands in for."""

_VERSION_SUFFIX: Final = re.compile(r"\.v\d{1,9}$")
_TYPES: Final = frozenset((*EVENT_TYPES, TICK))


def read_fields(value: bytes, headers: Headers, limits: Limits) -> dict[str, Any]:
    """The fields of the event in ``value``, not yet judged. Raises :class:`RefusedError`."""
    attributes, structured = _from_headers(headers)
    document = _document(value, limits, empty_ok="specversion" in attributes)
    if isinstance(document, dict) and (structured or "specversion" in document):
        return _unwrap(document, limits)
    if attributes:
        _check_attributes(attributes)
    return _fill(_object(document, "the value"), attributes)


def _from_headers(headers: Headers) -> tuple[dict[str, object], bool]:
    """CloudEvents attributes of the binary form, and whether the content type announces the structured form."""
    attributes: dict[str, object] = {}
    structured = False
    for name, raw in headers:
        folded = name.lower()
        if folded == "content-type":
            structured = bytes(raw or b"").strip().lower().startswith(CE_CONTENT_TYPE.encode())
        elif folded.startswith(CE_PREFIX):
            attributes[folded.removeprefix(CE_PREFIX)] = _header_text(folded, raw)
    return (attributes if "specversion" in attributes else {}), structured


def _header_text(name: str, raw: bytes | None) -> str:
    try:
        return bytes(raw or b"").decode()
    except UnicodeDecodeError:
        raise RefusedError(Reason.BAD_ENVELOPE, f"header {name[:64]!r} is not UTF-8") from None


def _document(value: bytes, limits: Limits, *, empty_ok: bool) -> object:
    if not value.startswith(CONFLUENT_MAGIC):
        return {} if empty_ok and not value else parse(value, limits)
    if len(value) <= CONFLUENT_PREFIX:
        raise RefusedError(Reason.BAD_ENVELOPE, f"Confluent frame of {len(value)} bytes has no content")
    try:
        return parse(value[CONFLUENT_PREFIX:], limits)
    except RefusedError as error:
        if error.reason is not Reason.NOT_JSON:
            raise
        raise RefusedError(
            Reason.BAD_ENVELOPE, f"content of the Confluent frame is not JSON: {error.message}"
        ) from None


def _object(document: object, what: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise RefusedError(Reason.WRONG_TYPE, f"{what} must be a JSON object, not {type(document).__name__}")
    return document


def _unwrap(envelope: dict[str, Any], limits: Limits) -> dict[str, Any]:
    _check_attributes(envelope)
    if "data_base64" in envelope and envelope.get("data") is not None:
        raise RefusedError(Reason.BAD_ENVELOPE, "CloudEvents has both data and data_base64")
    if "data_base64" in envelope:
        data = parse(_base64(envelope["data_base64"]), limits)
    else:
        data = envelope.get("data")
    return _fill({} if data is None else _object(data, "data of CloudEvents"), envelope)


def _base64(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(Reason.BAD_ENVELOPE, "data_base64 of CloudEvents is not base64") from None


def _check_attributes(attributes: Mapping[str, object]) -> None:
    for name in CE_REQUIRED:
        if not isinstance(attributes.get(name), str) or not attributes[name]:
            raise RefusedError(Reason.BAD_ENVELOPE, f"CloudEvents attribute {name} must be a non-empty string")
    if attributes["specversion"] != "1.0":
        raise RefusedError(Reason.BAD_ENVELOPE, "specversion of CloudEvents must be 1.0")


def _fill(fields: dict[str, Any], attributes: Mapping[str, object]) -> dict[str, Any]:
    missing = {
        field: _short_type(attributes[name]) if name == "type" else attributes[name]
        for name, field in CE_FILLS.items()
        if attributes.get(name) is not None and fields.get(field) is None
    }
    return {**fields, **missing} if missing else fields


def _short_type(name: object) -> object:
    last = _VERSION_SUFFIX.sub("", str(name)).rpartition(".")[2]
    return last if last in _TYPES else name
