"""Explicit answers: normal scores of every scale, weights per dimension, odd scales and odd values."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import answers
from pipeline.answers import level_scores
from pipeline.model import DEFAULT_MODEL, AnswerRule
from pipeline.records import NOTE_MEASURE
from pipeline.strings import Strings
from tests.perceive.cases import NOW, notes_of, one_answer
from tests.perceive.oracle import ANSWER_WEIGHTS, default_shares

RULE = AnswerRule()
LEVELS = st.integers(2, 21)


def score(strings: Strings, scale: str, value: float, low: float = np.nan, high: float = np.nan) -> float:
    """Score points of one answer; NaN = no observation."""
    given = answers.read(one_answer(strings, scale, value, low=low, high=high), strings, DEFAULT_MODEL)
    return float(given.value[0]) if len(given.value) else np.nan


@pytest.mark.parametrize(
    ("scale", "first", "expected"),
    [
        ("csat", 1, [33, 45, 52, 62, 84]),
        ("cxi_easy", 1, [33, 45, 52, 62, 84]),
        ("nps", 0, [30, 40, 43, 45, 48, 52, 56, 61, 69, 77, 94]),
        ("ces", 1, [29, 41, 48, 54, 63, 74, 93]),
    ],
)
def test_examples_of_the_document(strings: Strings, scale: str, first: int, expected: list[int]) -> None:
    found = [round(score(strings, scale, first + place)) for place in range(len(expected))]
    assert found == expected


@pytest.mark.parametrize(("scale", "weights"), ANSWER_WEIGHTS.items())
def test_weights_per_dimension(strings: Strings, scale: str, weights: tuple[float, ...]) -> None:
    given = answers.read(one_answer(strings, scale, 3.0, low=1.0, high=5.0), strings, DEFAULT_MODEL)
    assert tuple(given.weight[0]) == weights


@given(LEVELS)
def test_scores_rise_and_their_mean_is_the_center(levels: int) -> None:
    scores = level_scores(levels, RULE)
    assert (np.diff(scores) > 0).all()
    assert float(np.dot(default_shares(levels), scores)) == pytest.approx(70.0, abs=1e-9)


@given(LEVELS, st.data())
def test_a_fit_keeps_the_level_of_the_company(levels: int, data: st.DataObject) -> None:
    """The mean score under fitted shares is the mean of the default scores: a refit resets no bad company to 70."""
    counts = tuple(float(data.draw(st.integers(0, 500))) for _ in range(levels))
    fitted = level_scores(levels, RULE, counts=counts)
    default = np.array(default_shares(levels))
    shares = (np.array(counts) + 20 * default) / (sum(counts) + 20)
    assert float(shares @ fitted) == pytest.approx(float(shares @ level_scores(levels, RULE)), abs=1e-9)
    assert (np.diff(fitted) > 0).all()


def test_bad_answers_weigh_more_than_good_ones(strings: Strings) -> None:
    assert 70 - score(strings, "csat", 1) > score(strings, "csat", 5) - 70


@pytest.mark.parametrize("scale", ["rating", "csat"])
def test_whole_ends_have_a_level_per_whole_number(strings: Strings, scale: str) -> None:
    found = [score(strings, scale, value, 1.0, 10.0) for value in range(1, 11)]
    assert found == level_scores(10, RULE).tolist()


def test_a_scale_with_its_own_number_of_levels_keeps_its_shares(strings: Strings) -> None:
    assert score(strings, "ces", 0.0, 0.0, 6.0) == score(strings, "ces", 1.0)


@pytest.mark.parametrize(("low", "high"), [(0.0, 100.0), (0.5, 5.0), (0.0, 1e6), (-1.25, 1.25)])
def test_wide_and_broken_ends_have_eleven_levels(strings: Strings, low: float, high: float) -> None:
    found = [score(strings, "rating", low + (high - low) * step / 10, low, high) for step in range(11)]
    assert found == level_scores(11, RULE).tolist()


@pytest.mark.parametrize(("value", "same_as"), [(34.0, 30), (35.0, 40), (-9.0, 0), (109.0, 100)])
def test_the_nearest_level_counts_on_a_wide_scale(strings: Strings, value: float, same_as: float) -> None:
    assert score(strings, "rating", value, 0.0, 100.0) == score(strings, "rating", same_as, 0.0, 100.0)


@pytest.mark.parametrize(("scale", "low", "high"), [("csat", 1.0, 5.0), ("rating", -1.0, 1.0)])
def test_a_mean_of_answers_lies_between_their_levels(strings: Strings, scale: str, low: float, high: float) -> None:
    below, above = score(strings, scale, low, low, high), score(strings, scale, low + 1, low, high)
    assert score(strings, scale, low + 0.25, low, high) == pytest.approx(below + 0.25 * (above - below))
    assert score(strings, scale, low - 5, low, high) == below
    assert score(strings, scale, high + 5, low, high) == score(strings, scale, high, low, high)


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        (np.nan, 1.0, 5.0),
        (np.inf, 1.0, 5.0),
        (3.0, np.nan, np.nan),
        (3.0, 5.0, 5.0),
        (3.0, 5.0, 1.0),
        (3.0, -np.inf, 5.0),
        (1e308, -1e308, 1.7e308),
    ],
)
def test_what_is_no_answer_is_no_observation(strings: Strings, value: float, low: float, high: float) -> None:
    assert np.isnan(score(strings, "rating", value, low, high))


def test_other_notes_and_unknown_scales_are_no_answers(strings: Strings) -> None:
    notes = notes_of(
        strings,
        {"owner": 0, "scale": "csat", "value": 5.0, "kind": NOTE_MEASURE},
        {"owner": 0, "scale": "stars", "value": 5.0},
    )
    assert len(answers.read(notes, strings, DEFAULT_MODEL).value) == 0


def test_answers_come_in_order_whatever_the_log_said(strings: Strings) -> None:
    rows = [
        {"owner": owner, "scale": "csat", "value": value, "at_ms": NOW + at, "sequence": sequence, "event_hash": key}
        for owner, value, at, sequence, key in [
            (1, 1, 0, 0, 0),
            (0, 2, 5, 0, 9),
            (0, 3, 5, 0, 2),
            (0, 4, 5, -1, 7),
            (0, 5, 1, 0, 1),
        ]
    ]
    given = answers.read(notes_of(strings, *rows), strings, DEFAULT_MODEL)
    expected = [score(strings, "csat", value) for value in (5, 4, 3, 2, 1)]
    assert given.value.tolist() == expected
    assert given.fact.tolist() == [0, 0, 0, 0, 1]


def test_reading_adds_no_strings(strings: Strings) -> None:
    notes = one_answer(strings, "csat", 5.0)
    before = dict(strings)
    answers.read(notes, strings, DEFAULT_MODEL)
    assert dict(strings) == before


def test_fitted_counts_move_the_scores(strings: Strings) -> None:
    scales = dict(DEFAULT_MODEL.scales)
    scales["csat"] = replace(scales["csat"], counts=(500.0, 0.0, 0.0, 0.0, 500.0))
    given = answers.read(one_answer(strings, "csat", 1.0), strings, replace(DEFAULT_MODEL, scales=scales))
    assert given.value[0] > score(strings, "csat", 1.0)


def test_scores_are_kept_per_scale_and_cannot_be_written() -> None:
    assert level_scores(7, RULE) is level_scores(7, RULE)
    with pytest.raises(ValueError, match="read-only"):
        level_scores(7, RULE)[0] = 0


def test_default_shares_fall_short_of_no_level() -> None:
    assert all(low < high for low, high in pairwise(np.cumsum(default_shares(21))))
