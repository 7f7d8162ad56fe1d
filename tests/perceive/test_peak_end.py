"""Peak and end: what is remembered of an interaction in which several things happened."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import DEFAULT_MODEL
from pipeline.peak_end import Seen, peak_end
from pipeline.perceive import observe
from pipeline.strings import Strings
from schemas.event import EVENT_TYPES
from tests.perceive.cases import facts_of, notes_of

NAMES = DEFAULT_MODEL.signal_names
JOY = 2


def felt(fact: dict[str, Any], dimension: int = JOY) -> dict[str, float]:
    """Shift b of each signal on one dimension, once the fact is closed."""
    strings = Strings()
    obs = observe(facts_of(fact, strings=strings), np.array([True]), notes_of(strings), strings, DEFAULT_MODEL)
    return {
        NAMES[signal]: round(float(value - 70) * DEFAULT_MODEL.effects[NAMES[signal]].explained, 9)
        for signal, value in zip(obs.signal.tolist(), obs.value[:, dimension].tolist(), strict=True)
    }


BAD_CALL = {"types": ("call", "complaint"), "resolved": 0, "transfers": 2}


def test_the_extreme_and_the_end_weigh_more() -> None:
    """Three things happened: the extreme (unresolved) has 1/2 + 3/4, the end (the payment) too, transfers 1/2."""
    shifts = felt(
        {"types": ("call", "payment"), "flags": ("failed_payment",), "resolved": 0, "transfers": 2, "last": "payment"}
    )
    assert shifts["resolved"] == pytest.approx(1.25 * -23.7)
    assert shifts["failed_payment"] == pytest.approx(1.25 * -8.0)
    assert shifts["transfers"] == pytest.approx(0.5 * -5.7)


def test_what_is_the_extreme_and_about_the_end_shares_the_end() -> None:
    """Ends as a call: unresolved and transfers are both about that."""
    shifts = felt(BAD_CALL | {"last": "call"})
    assert shifts["resolved"] == pytest.approx((0.5 + 0.75 * 1.5) * -23.7)
    assert shifts["transfers"] == pytest.approx((0.5 + 0.75 * 0.5) * -5.7)
    assert shifts["complaint"] == pytest.approx(0.5 * -13.6)


def test_an_end_that_no_signal_is_about_is_shared_by_all() -> None:
    shifts = felt(BAD_CALL | {"types": ("answer", "call", "complaint"), "last": "answer"})
    assert shifts["transfers"] == pytest.approx(0.75 * -5.7)
    assert shifts["resolved"] == pytest.approx(1.5 * -23.7)


def test_what_did_not_happen_is_no_part_of_it() -> None:
    shifts = felt({"types": ("call",), "resolved": 0, "transfers": 3})
    assert shifts["complaint"] == pytest.approx(2.2)


@pytest.mark.parametrize("dimension", [0, 1])
def test_other_dimensions_keep_their_shifts(dimension: int) -> None:
    shifts = felt(BAD_CALL, dimension)
    assert (shifts["resolved"], shifts["complaint"], shifts["transfers"]) == pytest.approx((-23.7, -13.6, -5.7))


def test_one_thing_alone_is_felt_as_it_is() -> None:
    assert felt({"types": ("failure",)}) == pytest.approx({"failure": -8.0})


SEEN = st.lists(
    st.tuples(
        st.integers(0, 4), st.integers(0, len(NAMES) - 1), st.sampled_from([-8.0, -1.5, 3.0, 8.0]), st.booleans()
    ),
    max_size=25,
    unique_by=lambda one: one[:2],
)


@given(SEEN, st.lists(st.integers(0, len(EVENT_TYPES) - 1), min_size=5, max_size=5))
def test_the_weights_of_an_interaction_add_up_to_their_number(
    given: list[tuple[int, int, float, bool]], last: list[int]
) -> None:
    """g moves weight between the things that happened, and makes none."""
    fact, signal, shift, happened = (
        (np.array(column) for column in zip(*sorted(given), strict=True)) if given else ((np.zeros(0, np.int64),) * 4)
    )
    seen = Seen(fact, signal.astype(np.int16), shift.astype(np.float64), happened.astype(np.bool_))
    found = peak_end(seen, np.array(last, np.int8), DEFAULT_MODEL)
    weights = found.shift / seen.shift[found.rows]
    for number in range(5):
        mine = weights[seen.fact[found.rows] == number]
        assert len(mine) != 1
        assert mine.sum() == pytest.approx(len(mine))
        assert (mine >= 0.5).all()
