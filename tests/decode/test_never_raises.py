"""Whatever bytes, keys and headers arrive: each record ends as event, tick or rejection, in bounded work."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.decode import Decoded
from pipeline.decode_json import depth
from schemas.event import TICK
from schemas.examples import examples
from schemas.limits import DEFAULT_LIMITS
from schemas.rejections import REASONS
from tests.decode.support import BASE, WILD, batch_of, decoded, objects, text_of
from tests.support.laws import tries

SEEDS = [example.value for example in examples() if example.value is not None and len(example.value) < 4096]
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            ["ce_specversion", "ce_id", "ce_source", "ce_type", "CE_time", "ce_subject", "content-type", "x", ""]
        ),
        st.one_of(st.binary(max_size=8), st.sampled_from([b"1.0", b"call", b"application/cloudevents+json"])),
    ),
    max_size=6,
)


def assert_settled(found: Decoded, records: int) -> None:
    assert len(found.events) + len(found.ticks) + len(found.rejected) == records
    for rejected in found.rejected:
        assert rejected.reason in REASONS
        assert 0 < len(rejected.message.encode()) < 5000


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """Example values with a few bytes changed, cut out or doubled."""
    value = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(value)))
        end = min(len(value), at + draw(st.integers(0, 6)))
        value[at:end] = draw(
            st.one_of(st.binary(max_size=4), st.sampled_from([b'"', b"\\", b"{", b"}", b"null", b"1e9"]))
        )
    return bytes(value)


@given(value=st.one_of(st.binary(max_size=64), mutations()), headers=HEADERS, key=st.none() | st.binary(max_size=4))
@settings(max_examples=tries(400), deadline=None)
def test_any_bytes(value: bytes, headers: list[tuple[str, bytes]], key: bytes | None) -> None:
    assert_settled(decoded(value, headers=[headers], keys=[key]), 1)


@given(
    envelope=st.dictionaries(
        st.sampled_from(["specversion", "id", "source", "type", "subject", "time", "data", "data_base64", "own"]),
        st.one_of(WILD, st.sampled_from(["1.0", "call", TICK, "e30="]), objects()),
    )
)
@settings(max_examples=tries(200), deadline=None)
def test_any_envelope(envelope: dict[str, Any]) -> None:
    assert_settled(decoded(text_of({"specversion": "1.0", "id": "1", "source": "s", "type": "call", **envelope})), 1)


@given(fields=st.recursive(WILD, lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3)))
@settings(max_examples=tries(200), deadline=None)
def test_any_json(fields: object) -> None:
    assert_settled(decoded(text_of(fields)), 1)


@pytest.mark.parametrize(
    "value",
    [
        b'"' + b'\\"' * 130_000,
        b'{"a":"' + b"\\" * 260_000,
        b"[" * 262_144,
        b'{"a":' * 50_000,
        b"[{" * 100_000 + b"}]" * 30_000,
        b'{"' + b'":1,"'.join(str(i).encode() for i in range(30_000)) + b'":1}',
        b"9" * 262_144,
        b"-" + b"9" * 262_143,
        b'{"event_id":' + b"9" * 262_000 + b"}",
        json.dumps({**BASE, "x" * 200_000: 1}).encode(),
        json.dumps({**BASE, "type": "x" * 200_000}).encode(),
        json.dumps({**BASE, "occurred_at": "2" * 200_000}).encode(),
        b"\xff" * 262_144,
        b"\x00" * 262_144,
    ],
    ids=lambda value: repr(value[:12]),
)
def test_hostile_payloads_are_settled(value: bytes) -> None:
    assert_settled(decoded(value), 1)
    assert len(decoded(value).rejected) == 1


def test_a_surrogate_in_the_name_of_an_unknown_field_does_not_break_the_message() -> None:
    assert_settled(decoded(text_of({**BASE, "\ud800": 1}, ascii_only=True)), 1)


def test_headers_without_value_are_settled() -> None:
    headers: Any = [[("ce_specversion", None), ("content-type", None)]]
    assert_settled(decoded(text_of(BASE), b"{}", headers=headers * 2), 2)


def test_an_empty_batch_is_empty() -> None:
    assert_settled(decoded(), 0)
    assert len(batch_of([])) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", 0),
        (b"1", 0),
        (b"{}", 1),
        (b'{"a":[1,{"b":2}]}', 3),
        (b'"[[["', 0),
        (b'"\\"[[["[', 1),
        (b"]]][", 0),
        (b'["[', 1),
    ],
)
def test_depth(text: bytes, expected: int) -> None:
    assert depth(text) == expected


def test_the_limit_on_bytes_comes_first() -> None:
    (rejected,) = decoded(b"\xff" * (DEFAULT_LIMITS.max_bytes + 1)).rejected
    assert rejected.reason == "too_large"
