"""Stored state: round trip, self-contained strings, clear refusals."""

from __future__ import annotations

import pytest

from pipeline.policy import Policy
from pipeline.records import STATE_VERSION
from pipeline.state import LEAD, pack, stamp_of, unpack
from pipeline.statechecks import StateError
from pipeline.store import Store, pack_marker, unpack_marker
from pipeline.strings import Strings
from tests.core.harness import START_MS, batch, pipeline, random_events, slices


@pytest.fixture(scope="module")
def state() -> dict[bytes, bytes]:
    held: dict[bytes, bytes] = {}
    worker = pipeline(state=held)
    for part in slices(random_events(400, seed=41), 50):
        worker.process([part])
    return held


def test_packing_what_was_unpacked_gives_the_same_bytes(state: dict[bytes, bytes]) -> None:
    customers = {key[1:].decode(): value for key, value in state.items() if key[:1] == b"k"}
    assert customers
    for name, value in customers.items():
        strings = Strings()
        assert pack(unpack([name], [value], strings), stamp_of(value), strings) == [value]


def test_unpacking_together_is_unpacking_alone(state: dict[bytes, bytes]) -> None:
    customers = {key[1:].decode(): value for key, value in state.items() if key[:1] == b"k"}
    strings = Strings()
    together = unpack(list(customers), list(customers.values()), strings)
    for place, (name, value) in enumerate(customers.items()):
        own = Strings()
        alone = unpack([name], [value], own)
        ours = together.pieces[together.pieces["customer"] == place]
        assert strings.take(ours["channel"]).tolist() == own.take(alone.pieces["channel"]).tolist()
        assert ours["start_ms"].tolist() == alone.pieces["start_ms"].tolist()


def test_a_restored_store_wakes_the_same_customers(state: dict[bytes, bytes]) -> None:
    far = 1 << 50
    assert sorted(Store(dict(state), Policy()).due(far)) == sorted(Store(dict(state), Policy()).due(far))
    assert Store(dict(state), Policy()).due(far)


@pytest.mark.parametrize("value", [b"", b"x" * 7, b"\0" * 8 + b"\xc1", b"\0" * 8 + b"\x90"])
def test_an_undecodable_customer_is_refused(value: bytes) -> None:
    with pytest.raises(StateError, match="unreadable customer state"):
        Store({b"kann": value}, Policy())


def test_another_version_is_refused(state: dict[bytes, bytes]) -> None:
    key, value = next((key, value) for key, value in state.items() if key[:1] == b"k")
    assert int.from_bytes(value[8:12], "little") == STATE_VERSION
    with pytest.raises(StateError, match="version 77"):
        Store({key: value[:8] + b"\x4d\0\0\0" + value[12:]}, Policy())


def test_a_customer_that_is_cut_off_is_refused(state: dict[bytes, bytes]) -> None:
    for key, value in state.items():
        if key[:1] == b"k":
            with pytest.raises(StateError, match="cut off"):
                Store({key: value[: LEAD.itemsize + 1]}, Policy())
            with pytest.raises(StateError, match="unreadable customer state"):
                unpack(["ann"], [value + b"\x1f"], Strings())


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(StateError, match="unknown kind of state key"):
        Store({b"?": b"\0" * 8}, Policy())


def test_a_marker_round_trips() -> None:
    marker = pipeline().process(list(slices(random_events(5, seed=1), 5))).marker
    assert unpack_marker(pack_marker(marker)) == marker
    with pytest.raises(StateError, match="unreadable marker"):
        unpack_marker(b"short")


def test_a_tick_alone_moves_the_watermark_and_nothing_else() -> None:
    worker = pipeline()
    flush = worker.process([batch([{"type": "tick", "occurred_at": START_MS, "customer_id": ""}])])
    assert flush.counts["ticks"] == 1
    assert flush.rows == {}
    assert list(flush.changes) == [b"m"]
    assert worker.marker.watermark_ms == START_MS
