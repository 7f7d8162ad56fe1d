"""Generate the published contracts from the models: ``python -m schemas.generate [--check]``.

``event.schema.json`` and ``alert.schema.json`` are JSON Schema 2020-12; ``asyncapi.json`` is AsyncAPI 3.0 with the
topics. With
``--check`` nothing is written, and the exit code is 1 if a file differs from what would be written.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from schemas.alert import AlertTransition
from schemas.event import ANSWER_FIELDS, DEFAULT_CHANNELS, ONE_WAY_TYPES, SCALES, Event, Tick
from schemas.rejections import Reason

FOLDER: Final = Path(__file__).parent
EVENT_FILE: Final = "event.schema.json"
ALERT_FILE: Final = "alert.schema.json"
ASYNCAPI_FILE: Final = "asyncapi.json"
TOPIC: Final = "interactions-v1"
REJECTED_TOPIC: Final = "interactions-rejected-v1"
ALERTS_TOPIC: Final = "alerts-v1"

Json = dict[str, Any]


def event_schema() -> Json:
    """JSON Schema of the event, the rules between fields included."""
    schema = Event.model_json_schema()
    _drop_titles(schema["properties"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": EVENT_FILE,
        **schema,
        "allOf": [_case_rule(), _answer_rule(), *(_scale_rule(*scale) for scale in SCALES.items())],
        "x-usual-channels": dict(DEFAULT_CHANNELS),
        "x-one-way-types": sorted(ONE_WAY_TYPES),
    }


def alert_schema() -> Json:
    """JSON Schema of the alert transition."""
    schema = AlertTransition.model_json_schema(mode="serialization")
    for part in (schema, *schema["$defs"].values()):
        _drop_titles(part["properties"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ALERT_FILE, **schema}


def tick_schema() -> Json:
    """JSON Schema of the control record."""
    schema = Tick.model_json_schema()
    _drop_titles(schema["properties"])
    return schema


def asyncapi() -> Json:
    """AsyncAPI document of the topics."""
    rejected_headers: dict[str, Json] = {
        name: {"type": "string", "description": text} for name, text in (_REJECTED_HEADERS | _SOMETIMES).items()
    }
    rejected_headers["reason"]["enum"] = [reason.value for reason in Reason]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Customer perception",
            "version": "1.0.0",
            "description": "Interaction events in; alerts, and what the contract refuses with its reason, come out.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "interactions": _channel(TOPIC, _INPUT, "event", "tick"),
            "rejected": _channel(REJECTED_TOPIC, _OUTPUT, "rejected"),
            "alerts": _channel(ALERTS_TOPIC, _ALERTS, "alert"),
        },
        "operations": {
            "consumeInteractions": {"action": "receive", "channel": {"$ref": "#/channels/interactions"}},
            "sendRejected": {"action": "send", "channel": {"$ref": "#/channels/rejected"}},
            "sendAlerts": {"action": "send", "channel": {"$ref": "#/channels/alerts"}},
        },
        "components": {
            "messages": {
                "event": _message("An interaction event; also as CloudEvents 1.0 or framed by Confluent.", "event"),
                "tick": _message("Moves the watermark of an idle partition; the key does not matter.", "tick"),
                "alert": {
                    "summary": "One transition of an alert; its key is the alert_id.",
                    "payload": {"$ref": ALERT_FILE},
                    "bindings": {"kafka": {"key": {"type": "string"}}},
                },
                "rejected": {
                    "summary": "A refused record: original key and value, reason and origin as headers.",
                    "contentType": "application/octet-stream",
                    "headers": {"type": "object", "properties": rejected_headers, "required": [*_REJECTED_HEADERS]},
                    "payload": {"description": "The original bytes."},
                },
            },
            "schemas": {"event": event_schema(), "tick": tick_schema()},
        },
        "x-reject-reasons": {
            reason.value: {"explanation": reason.explanation, "action": reason.action} for reason in Reason
        },
    }


_INPUT: Final = (
    "What happened between customers and the company. Key: customer_id as UTF-8 bytes, so that a customer stays in one "
    "partition. Plain JSON, CloudEvents 1.0 (structured, or binary with ce_ headers), or JSON framed by Confluent."
)
_OUTPUT: Final = "Records that the contract refuses. List, inspect and requeue them with: perception dlq."
_ALERTS: Final = (
    "Transitions of alerts, compacted to the last one of each alert. Only those without a parent page somebody. Read "
    "committed records only."
)
_REJECTED_HEADERS: Final = {
    "reason": "Code of the rejection.",
    "message": "What exactly is wrong.",
    "topic": "Topic of the refused record.",
    "partition": "Its partition, decimal.",
    "offset": "Its offset, decimal.",
}
_SOMETIMES: Final = {"truncated": "Only if the value was too large and was cut: its full size, bytes, decimal."}


def _channel(address: str, description: str, *messages: str) -> Json:
    return {
        "address": address,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": {"topic": address}},
    }


def _message(summary: str, schema: str) -> Json:
    return {
        "summary": summary,
        "payload": {"$ref": f"#/components/schemas/{schema}"},
        "bindings": {"kafka": {"key": {"type": "string"}}},
    }


def _drop_titles(properties: Mapping[str, Json]) -> None:
    for part in properties.values():
        part.pop("title", None)


def _is(name: str, value: str) -> Json:
    return {"properties": {name: {"const": value}}, "required": [name]}


def _given(*names: str) -> Json:
    return {"required": list(names), "properties": {name: {"not": {"enum": [None, ""]}} for name in names}}


def _absent(*names: str) -> Json:
    return {"properties": {name: {"enum": [None, ""]} for name in names}}


def _case_rule() -> Json:
    return {"if": _is("type", "case"), "then": _given("status"), "else": _absent("status")}


def _answer_rule() -> Json:
    return {"if": _is("type", "answer"), "then": _given("scale", "value"), "else": _absent(*ANSWER_FIELDS)}


def _scale_rule(scale: str, usual: tuple[float, float] | None) -> Json:
    if usual is None:
        return {"if": _is("scale", scale), "then": _given("scale_min", "scale_max")}
    within = {"properties": {"value": {"minimum": usual[0], "maximum": usual[1]}}}
    return {"if": {"allOf": [_is("scale", scale), _absent("scale_min", "scale_max")]}, "then": within}


def files() -> dict[Path, str]:
    """Path -> content of every generated file."""
    documents = {EVENT_FILE: event_schema(), ALERT_FILE: alert_schema(), ASYNCAPI_FILE: asyncapi()}
    return {FOLDER / name: json.dumps(content, indent=2) + "\n" for name, content in documents.items()}


def drifted() -> list[Path]:
    """Generated files that are missing, or differ from what the model says."""
    return [path for path, text in files().items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or with ``--check`` compare them; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m schemas.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    if parser.parse_args(arguments).check:
        stale = drifted()
        for path in stale:
            sys.stderr.write(f"{path.name} is out of date: run python -m schemas.generate\n")
        return 1 if stale else 0
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
