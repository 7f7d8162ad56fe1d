"""``docs/events.md``: fields, types, scales, wire formats and reject reasons of the event."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from jobs.reference.markdown import block, code, codes, page, prose, table
from pipeline import wire
from schemas.event import CASE_STATUSES, DEFAULT_CHANNELS, ONE_WAY_TYPES, SCALES, Event
from schemas.examples import Example, examples
from schemas.rejections import Reason

_INTRODUCTION = """An event is one JSON object: something that happened between a customer and the company.
Unknown fields are refused, because a misspelt optional field would silently change scores: own data belongs into
`measures` (numbers) and `attributes` (texts). `null` and the empty string mean "not given". The Kafka key is the
`customer_id` as UTF-8 bytes: another key is rejected; without one, the producer itself must keep a customer's records
in one partition.

The same as JSON Schema: [event.schema.json](../schemas/event.schema.json), with the topics as AsyncAPI:
[asyncapi.json](../schemas/asyncapi.json). One event of every type: [events.jsonl](../schemas/examples/events.jsonl)."""

_SHOWN: Final = {
    "Plain JSON": "accepted/plain_required_only",
    "Confluent": "accepted/confluent",
    "CloudEvents 1.0, structured": "accepted/cloudevents_structured",
    "CloudEvents 1.0, binary": "accepted/cloudevents_binary_filled",
}

_TICK = """A record `{"type": "tick", "occurred_at": …}` is no event. It moves the watermark of its partition on, so
that silence closes interactions and journeys. Workers send ticks into idle partitions
(`PERCEPTION_WORKER__TICK_INTERVAL_S`)."""


def render() -> str:
    """The page."""
    parts = {"Fields": _fields(), "Types": _types(), "Answers": _scales(), "Wire formats": _wire(), "Ticks": _TICK}
    sections = [f"## {title}\n\n{text}" for title, text in parts.items()]
    return page("The event", _INTRODUCTION, *sections, f"## Reject reasons\n\n{_reasons()}")


def _fields() -> str:
    schema = Event.model_json_schema()
    rows = [
        (code(name), "yes" if name in schema["required"] else "", _shape(part), prose(part["description"]))
        for name, part in schema["properties"].items()
    ]
    return table(["Field", "Required", "Value", "Meaning"], rows)


def _shape(schema: Mapping[str, Any]) -> str:
    """What a value may be, in words."""
    kind = next((part for part in schema.get("anyOf", ()) if part.get("type") != "null"), schema)
    if "oneOf" in kind:
        return "time"
    if "enum" in kind:
        return f"one of {codes(word for word in kind['enum'] if word)}"
    return _WORDS[kind["type"]](kind)


def _number(kind: Mapping[str, Any]) -> str:
    return "number, not negative" if kind["minimum"] == 0 else "number"


def _object(kind: Mapping[str, Any]) -> str:
    return f"object of at most {kind['maxProperties']} names, each a {_shape(kind['additionalProperties'])}"


_WORDS: Final = {
    "string": lambda kind: f"text of at most {kind['maxLength']} characters",
    "integer": lambda kind: f"whole number {kind['minimum']} .. {kind['maximum']}",
    "number": _number,
    "boolean": lambda _: "`true` or `false`",
    "object": _object,
}


def _types() -> str:
    rows = [
        (code(name), "one-way" if name in ONE_WAY_TYPES else "two-way", code(channel))
        for name, channel in DEFAULT_CHANNELS.items()
    ]
    text = f"""Two-way types are interactions. One-way types raise expectations and never move perception.
The channel is the one that an event has if it names none. `case` needs a `status`: {codes(CASE_STATUSES)}."""
    return f"{text}\n\n{table(['Type', 'Way', 'Channel'], rows)}"


def _scales() -> str:
    rows = [
        (code(name), "`scale_min` .. `scale_max`, required" if ends is None else f"{ends[0]:g} .. {ends[1]:g}")
        for name, ends in SCALES.items()
    ]
    text = "`answer` needs `scale` and `value`. `scale_min` and `scale_max` say so where a survey's range is another."
    return f"{text}\n\n{table(['Scale', 'Worst .. best'], rows)}"


def _wire() -> str:
    about = (wire.__doc__ or "").partition("\n\n")[2].strip().replace("``", "`")
    known = {example.name: example for example in examples()}
    shown = [f"### {title}\n\n{_example(known[name])}" for title, name in _SHOWN.items()]
    more = "Every format, limit and reject reason has an example in [schemas/examples](../schemas/examples)."
    return "\n\n".join([about, *shown, more])


def _example(example: Example) -> str:
    key = example.key.decode() if example.key is not None else "none"
    lines = [f"key: {key}", *(f"{name}: {value.decode()}" for name, value in example.headers), "", _body(example)]
    return f"{prose(example.about)}.\n\n{block(chr(10).join(lines))}"


def _body(example: Example) -> str:
    value = example.value or b""
    prefix = value[: wire.CONFLUENT_PREFIX] if value.startswith(wire.CONFLUENT_MAGIC) else b""
    text = json.dumps(json.loads(value[len(prefix) :]), indent=2)
    return f"bytes {prefix.hex(' ')}, then\n{text}" if prefix else text


def _reasons() -> str:
    rows = [(code(reason.value), prose(reason.explanation), prose(reason.action)) for reason in Reason]
    text = """A record that breaks the contract goes to the rejected topic and to the view `rejected`, with its
original bytes and one of these codes. The other records of its batch are not touched."""
    return f"{text}\n\n{table(['Reason', 'What is wrong', 'What to do'], rows)}"
