"""Batches of a few records, and values and strategies that events are drawn from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from hypothesis import strategies as st

from pipeline.batch import Headers, RawBatch
from pipeline.decode import Decoded, decode
from pipeline.policy import HOUR_MS
from pipeline.strings import Strings
from schemas.event import CASE_STATUSES, EVENT_TYPES, SCALES
from schemas.field_types import LATEST_MS
from schemas.limits import DEFAULT_LIMITS, Limits

NOW_MS = LATEST_MS
"""Broker time: no event that the contract takes is in its future."""

BASE: Mapping[str, Any] = {
    "event_id": "e-1",
    "customer_id": "c-1",
    "occurred_at": "2024-06-01T10:00:00Z",
    "type": "call",
}

WILD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**40), 10**40),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["", "x" * 128, "x" * 129, "x" * 257, "a\nb", "\x00", "\x7f", "é", "😀", "0", "true", 1e15, -1e15, 1e16, 2.0]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.one_of(st.floats(), st.text(max_size=3), st.none()), max_size=3),
)
"""Any JSON value, the tempting ones more often."""

FIRST, LAST = datetime(1970, 1, 2), datetime(2199, 12, 30)  # noqa: DTZ001
TIMES = st.one_of(
    st.datetimes(FIRST, LAST).map(lambda moment: moment.isoformat() + "Z"),
    st.datetimes(FIRST, LAST, timezones=st.timezones()).map(lambda moment: moment.isoformat()),
    st.integers(100_000_000_000, 7_258_118_399_999),
    st.sampled_from(["1970-01-01T00:00:00Z", "2199-12-31T23:59:59.999999Z"]),
)
EDGES: st.SearchStrategy[Any] = st.one_of(
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.integers(-5, 5),
    st.integers(99_999_999_998, 100_000_000_002),
    st.integers(7_258_118_399_998, 7_258_118_400_001),
    st.sampled_from(
        ["1969-12-31T23:59:59.999Z", "2200-01-01T00:00:00Z", 10_000, 10_001, 2**31, 2**31 - 1, "2024-06-01"]
    ),
)
"""Values around the ends of ranges."""
SECONDS = st.one_of(st.floats(0, 1e15), st.integers(0, 10**15))
NUMBERS = st.one_of(st.floats(-1e15, 1e15), st.integers(-(10**15), 10**15))
NAMES = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), max_size=12)
IDS = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), min_size=1, max_size=12)

GOOD: Mapping[str, st.SearchStrategy[Any]] = {
    "event_id": IDS,
    "customer_id": IDS,
    "occurred_at": TIMES,
    "type": st.sampled_from(EVENT_TYPES),
    **dict.fromkeys(("channel", "touchpoint", "segment", "interaction_id", "journey_id", "goal", "reason"), NAMES),
    **dict.fromkeys(("outcome", "team", "skill", "skill_needed"), NAMES),
    "status": st.sampled_from(CASE_STATUSES),
    "severity": st.integers(1, 4),
    "visible": st.booleans(),
    "resolved": st.booleans(),
    "transfers": st.integers(0, 10_000),
    **dict.fromkeys(("wait_s", "promised_s", "duration_s"), SECONDS),
    "amount": NUMBERS,
    "sequence": st.integers(0, 2**31 - 1),
    "scale": st.sampled_from(tuple(SCALES)),
    "value": st.one_of(st.integers(0, 10), st.floats(0, 10), NUMBERS),
    "scale_min": st.one_of(st.integers(0, 1), NUMBERS),
    "scale_max": st.one_of(st.integers(5, 10), NUMBERS),
    "measures": st.dictionaries(IDS, NUMBERS, max_size=4),
    "attributes": st.dictionaries(IDS, NAMES, max_size=4),
}


ANSWER: Mapping[str, Any] = {"type": "answer", "scale": "nps", "value": 7}
RATING: Mapping[str, Any] = {"type": "answer", "scale": "rating", "value": 3, "scale_min": 1, "scale_max": 5}
CASE: Mapping[str, Any] = {"type": "case", "status": "opened"}
ORDINARY = tuple(sorted(GOOD.keys() - RATING.keys() - CASE.keys()))
"""Fields that an event of any type may have."""


@st.composite
def objects(draw: st.DrawFn) -> dict[str, Any]:
    """Objects on both sides of the border between event and no event, and close to it."""
    fields = {**BASE, **draw(st.sampled_from([{}, ANSWER, RATING, CASE]))}
    for name in draw(st.lists(st.sampled_from(ORDINARY), max_size=6, unique=True)):
        fields[name] = draw(GOOD[name])
    for name in draw(st.lists(st.sampled_from(tuple(GOOD)), max_size=1)):
        fields[name] = draw(st.one_of(GOOD[name], WILD, EDGES))
    if draw(st.integers(0, 9)) == 0:
        fields[draw(NAMES)] = draw(WILD)
    if draw(st.integers(0, 9)) == 0:
        del fields[draw(st.sampled_from(tuple(fields)))]
    return fields


def text_of(fields: object, *, ascii_only: bool = False) -> bytes:
    """``fields`` as JSON bytes; half surrogates only fit where ``ascii_only``."""
    return json.dumps(fields, ensure_ascii=ascii_only).encode()


def batch_of(
    values: Sequence[bytes | None],
    *,
    keys: Sequence[bytes | None] | None = None,
    headers: Sequence[Headers] | None = None,
    appended_at: int = NOW_MS,
    first: int = 0,
) -> RawBatch:
    """A batch with offsets from ``first``."""
    count = len(values)
    return RawBatch(
        offsets=np.arange(first, first + count),
        timestamps=np.full(count, appended_at),
        keys=[None] * count if keys is None else keys,
        values=values,
        headers=headers,
    )


def decoded(
    *values: bytes | None, strings: Strings | None = None, limits: Limits = DEFAULT_LIMITS, **more: Any
) -> Decoded:
    """What ``values`` decode to."""
    return decode(batch_of(values, **more), Strings() if strings is None else strings, limits, HOUR_MS)
