"""The short, deterministic part of ``make fuzz``; what long runs have found stands below as cases of its own."""

from __future__ import annotations

import json
import logging
import random
from collections import Counter
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from jobs.durations import duration_ms
from jobs.warehouse.block import encode
from jobs.warehouse.tables import declared
from pipeline.batch import RawBatch
from pipeline.customer_alerts import unpack
from pipeline.statechecks import StateError
from pipeline.store import MARKER_KEY, pack_marker, unpack_marker
from tests.core.harness import FOREVER, batch, event, pipeline
from tests.fuzz.mutation import mutated
from tests.fuzz.targets import fuzz, targets

INPUTS = {"records": 12_000, "state": 150, "native": 300, "sql": 1_500}
OTHERS = 3_000
SEED = 20


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Clients speak of every bad answer."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", targets())
def test_every_input_ends_as_something_or_is_refused(name: str) -> None:
    found = fuzz(targets()[name](), INPUTS.get(name, OTHERS), SEED)
    assert found.findings == {}
    assert found.ended.total() >= INPUTS.get(name, OTHERS)


def test_events_get_deep_and_bad_ones_are_refused() -> None:
    found = fuzz(targets()["records"](), 4_000, SEED)
    assert found.ended["events"] > 400, "all stages have something to do"
    assert found.ended["rejected"] > 400


def test_a_finding_would_be_reported() -> None:
    class Broken:
        name, about, per_input = "broken", "breaks at its third run", 1
        runs = 0

        def run(self, draw: random.Random) -> Counter[str]:
            self.runs += 1
            return Counter([["fine"][self.runs // 3]])

    assert fuzz(Broken(), 3, 1).findings == {2: "IndexError: list index out of range"}


def test_mutations_are_a_function_of_the_generator() -> None:
    seeds = [b'{"a": 1}', b"second"]
    one, other = ([mutated(seeds[0], random.Random(number), seeds) for number in range(50)] for _ in range(2))
    assert one == other
    assert len(set(one)) > 40


@pytest.mark.parametrize("appended", [-(2**63), -1, 2**62, 2**63 - 1])
def test_a_timestamp_that_is_no_time_holds_the_watermark_and_stops_nobody(appended: int) -> None:
    """Producers may set it to anything: it once made rows that no warehouse takes."""
    state: dict[bytes, bytes] = {}
    worker = pipeline(FOREVER, state)
    worker.process([batch([event(1, 0)])])
    before = worker.marker.watermark_ms
    value = json.dumps(event(2, 1_000)).encode()
    stamps = np.array([appended, appended], np.int64)
    flush = worker.process([RawBatch(np.array([1, 2]), stamps, [b"ann", None], [value, b"{"])])
    assert flush.marker.watermark_ms == before
    assert (flush.counts["events"], flush.counts["rejected"]) == (1, 1)
    for table, columns in flush.rows.items():
        assert encode(declared(table), columns).rows


def test_a_promise_of_almost_nothing_is_clipped_like_any_long_wait() -> None:
    def score(promised_s: float) -> float:
        kept = pipeline(FOREVER, {}).process([batch([event(1, 0, "call", promised_s=promised_s, wait_s=1e9)])])
        return float(kept.rows["interaction_rows"]["easy_score"][0])

    assert score(5e-324) == score(1.0) < score(1e9)


@pytest.mark.parametrize("marker", [(-2, -1, 0, 0), (-(2**63), -(2**63), 0, 0), (5, -2, 0, 0)])
def test_a_marker_that_cannot_be_is_refused(marker: tuple[int, int, int, int]) -> None:
    good = unpack_marker(pack_marker(pipeline(FOREVER, {}).process([batch([event(1, 0)])]).marker))
    bad = type(good)(*marker)
    with pytest.raises(StateError, match="no marker"):
        pipeline(FOREVER, {MARKER_KEY: pack_marker(bad)}).marker  # noqa: B018


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"kann", b""),
        (b"kann", b"\x00" * 8),
        (b"k\xff", b"\x00" * 8),
        (b"chour\x1fall\x1f0", b"\x00" * 8),
        (b"cweek\x1fall\x1f0\x1f\x1f\x1f", b"\x00" * 8),
        (b"chour\x1fall\x1f0\x1f\x1f\x1f", b"\x00" * 9),
        (b"xinteraction_rows\x1fann", b"\x00" * 8),
        (b"xno_rows\x1fann\x1fkey", b"\x00" * 8),
        (b"aann", b"\x00" * 4),
        (b"z", b"customer-of-somebody"),
    ],
)
def test_state_that_is_none_is_refused_without_showing_it(key: bytes, value: bytes) -> None:
    with pytest.raises(StateError) as caught:
        pipeline(FOREVER, {key: value})
    assert "somebody" not in str(caught.value)
    assert "ann" not in str(caught.value).replace("cannot", "")


@pytest.mark.parametrize("missing", ["observed", "since_ms", "state"])
def test_alerts_without_all_of_their_fields_are_no_state(missing: str) -> None:
    alert = {
        "alert_id": "a", "fingerprint": "f", "sequence": 1, "state": "firing", "detector": "rule", "kind": "k",
        "dimensions": ["easy"], "since_ms": 1, "at_ms": 2, "size": 1.0, "evidence": 1.0, "threshold": 1.0,
        "expected": None, "observed": 2.0,
    }  # fmt: skip
    labels = {"channel": "", "segment": "", "touchpoint": "", "reason": ""}
    whole = [{"alert": alert, "labels": labels, "final_ms": 5}]
    assert unpack(msgspec.msgpack.encode(whole))[0].final_ms == 5
    del alert[missing]
    with pytest.raises(StateError, match="unreadable alerts of a customer: ValidationError"):
        unpack(msgspec.msgpack.encode(whole))


def test_a_text_of_any_length_is_no_slow_duration() -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration_ms("9" * 100_000 + "x")
    assert duration_ms("1.5") == 1_500
