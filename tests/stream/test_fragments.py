"""Values in fragments: split and whole again, whatever their sizes were before; nothing incomplete is taken."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.stream.errors import UnreadableStateError
from jobs.stream.fragments import FRAGMENT_BYTES, Fragments

SIZES = st.sampled_from([0, 1, FRAGMENT_BYTES, FRAGMENT_BYTES + 1, 2 * FRAGMENT_BYTES, 3 * FRAGMENT_BYTES + 7])
FLUSHES = st.lists(st.dictionaries(st.sampled_from([b"ka", b"kb", b"f"]), st.none() | SIZES, max_size=3), max_size=6)


def log_after(log: dict[bytes, bytes], records: Mapping[bytes, bytes | None]) -> dict[bytes, bytes]:
    """What a compacted log holds."""
    return {key: value for key, value in {**log, **records}.items() if value is not None}


@given(FLUSHES, st.integers(0, 5))
def test_the_state_comes_back_and_no_record_is_left_over(flushes: list[dict[bytes, int | None]], crash: int) -> None:
    fragments = Fragments()
    log: dict[bytes, bytes] = {}
    state: dict[bytes, bytes] = {}
    for number, sizes in enumerate(flushes):
        if number == crash:
            fragments = Fragments()
            fragments.join(dict(log))
        changes = {key: None if size is None else bytes([number]) * size for key, size in sizes.items()}
        # A pipeline's keys begin with its own kinds, of which none is that of fragments.
        changes = {key: value for key, value in changes.items() if key != b"f"}
        state = log_after(state, changes)
        log = log_after(log, fragments.split(changes))
    assert all(len(value) <= FRAGMENT_BYTES + 2 for value in log.values())
    assert len(log) == sum(max(-(-len(value) // FRAGMENT_BYTES), 1) for value in state.values())
    restored = dict(log)
    Fragments().join(restored)
    assert restored == state


def test_ordinary_flushes_pass_as_they_are() -> None:
    changes = {b"ka": b"1", b"kb": None}
    assert Fragments().split(changes) is changes


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_value_that_is_not_whole_is_refused(missing: int) -> None:
    log = log_after({}, Fragments().split({b"ka": bytes(2 * FRAGMENT_BYTES + 1)}))
    del log[sorted(log)[missing]]
    with pytest.raises(UnreadableStateError, match=r"2 fragments .* is not whole"):
        Fragments().join(log)


@pytest.mark.parametrize(
    "log",
    [
        {b"f": b"\0\1x"},
        {b"f\0": b"\0\1x"},
        {b"f\0\0k": b"\0"},
        {b"f\0\0k": b"\0\2x"},
        {b"f\0\1k": b"\0\1x"},
        {b"f\0\0k": b"\0\1x", b"k": b"y"},
    ],
)
def test_records_that_are_no_fragments_are_refused(log: dict[bytes, bytes]) -> None:
    with pytest.raises(UnreadableStateError, match="not whole") as caught:
        Fragments().join(log)
    assert "find and stop it" in caught.value.action
