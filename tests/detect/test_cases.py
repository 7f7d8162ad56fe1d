"""Detection by case: what pages whom, and when it ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.detect.cause import FALL, MIX, explain
from pipeline.detect.hierarchy import affected, speaking
from pipeline.detect.policy import DAILY, HOURLY, threshold
from pipeline.detect.run import Outcome, run
from pipeline.detect.series import Floats, Scope, Series, distinct, parents
from tests.detect.cells import DAY, detect, fired, noisy, series, with_total

BEGIN = 24 * DAY
PHONE, WEB = Scope("phone"), Scope("web")


def place(given: Series) -> dict[Scope, int]:
    return {scope: at for at, scope in enumerate(given.scopes)}


def falling(buckets: int, cells: int, which: slice, points: float, begin: int, end: int | None = None) -> Floats:
    falls = np.zeros((buckets, cells))
    falls[begin:end, which] = points
    return falls


def test_three_bad_events_of_four_page_nobody() -> None:
    quiet = noisy(1, [PHONE], 1.0, 30)
    n, total = quiet.n.copy(), quiet.total.copy()
    n[BEGIN], total[BEGIN] = 4, 3 * 5.0 + 80.0
    few = replace(quiet, n=n, total=total, contacts=n[..., 0], customers=n[..., 0])
    assert fired(detect(few)) == []


def test_too_few_customers_stay_pending() -> None:
    """One furious customer with forty interactions is one customer."""
    given = noisy(2, [PHONE], 20.0, 30, falls=falling(30 * DAY, 1, slice(None), 30.0, BEGIN))
    limits = np.array([threshold(1, HOURLY, 7)])
    outcome = run(given, HOURLY, limits, lambda *_: 9)
    assert fired(outcome) == []
    assert outcome.states["drop"] == ["pending"]
    assert fired(run(given, HOURLY, limits, lambda *_: 10)) != []


def test_a_fall_goes_through_the_states_once() -> None:
    falls = falling(40 * DAY, 1, slice(None), 12.0, BEGIN, BEGIN + 2 * DAY)
    outcome = detect(noisy(3, [PHONE], 30.0, 40, falls=falls))
    (alert,) = (one for one in outcome.alerts if one.detector == "drop")
    assert BEGIN <= alert.fired < BEGIN + 6
    assert alert.ended is not None
    assert BEGIN + 2 * DAY < alert.ended < BEGIN + 3 * DAY
    assert alert.size == pytest.approx(12, abs=3)
    moves = [t.after for t in outcome.transitions if t.detector == "drop" and t.bucket >= BEGIN]
    assert [state for state in moves if state not in {"pending", "recovering"}][:3] == ["firing", "resolved", "ok"]
    assert moves.count("firing") - moves.count("recovering") == 0
    assert moves.count("resolved") == 1


def test_silence_is_a_state_and_no_fall() -> None:
    given = noisy(4, [PHONE], 10.0, 30)
    parts = (given.n, given.total, given.squares, given.contacts, given.customers)
    for part in parts:
        part[BEGIN:] = 0
    outcome = detect(given)
    assert fired(outcome) == []
    assert [cell for cell, _ in fired(outcome, "silence")] == [0]
    assert outcome.states["drop"] == ["no_data"]


def test_a_young_cell_is_not_fine_but_unknown() -> None:
    assert detect(noisy(5, [PHONE], 30.0, 1)).states["drop"] == ["no_data"]


def test_a_season_is_no_fall() -> None:
    hour = np.arange(42 * DAY)[:, None]
    falls = 6 * np.sin(2 * np.pi * hour / DAY) + 5.0 * (hour // DAY % 7 >= 5)
    outcome = detect(noisy(6, [PHONE], 100.0, 42, falls=falls))
    assert [at for _, at in fired(outcome) if at >= 28 * DAY] == []


def channel(seed: int, *, falling_cells: slice, points: float) -> tuple[Series, Outcome]:
    leaves = [Scope("phone", f"s{one}") for one in range(8)]
    falls = falling(30 * DAY, 8, falling_cells, points, BEGIN, BEGIN + 2 * DAY)
    given = with_total(noisy(seed, leaves, 40.0, 30, falls=falls), PHONE)
    return given, detect(given)


def test_a_fall_of_a_whole_channel_is_one_page_that_lists_its_leaves() -> None:
    given, outcome = channel(7, falling_cells=slice(None), points=8.0)
    speaker = speaking(outcome, given.scopes, place(given))
    pages = [at for at in speaker if speaker[at] == at and outcome.alerts[at].fired >= BEGIN]
    assert len(outcome.alerts) > 1
    assert [given.scopes[outcome.alerts[at].cell] for at in pages] == [PHONE]
    page = outcome.alerts[pages[0]]
    assert page.fired < BEGIN + 3
    assert len(affected(page, outcome, given.scopes, HOURLY.variance)) >= 6
    assert explain(page, given, outcome, place(given), DAY).verdict == FALL


def test_a_fall_of_one_leaf_is_its_own_page() -> None:
    given, outcome = channel(8, falling_cells=slice(2, 3), points=25.0)
    speaker = speaking(outcome, given.scopes, place(given))
    pages = {outcome.alerts[at].cell for at in speaker if speaker[at] == at and outcome.alerts[at].fired >= BEGIN}
    assert [given.scopes[cell] for cell in pages] == [Scope("phone", "s2")]


def mixed() -> Series:
    """Two segments that stay as they are; the worse one becomes the more frequent."""
    random = np.random.default_rng(9)
    happy, unhappy = Scope("phone", "happy"), Scope("phone", "unhappy")
    share = np.where(np.arange(30 * DAY) >= BEGIN, 0.8, 0.3)
    n = np.stack([random.poisson(60 * (1 - share)), random.poisson(60 * share)], axis=1).astype(float)
    mean = np.array([80.0, 50.0]) + random.normal(0, 1, n.shape) + random.normal(0, 15, n.shape) / np.sqrt(n)
    return with_total(series([happy, unhappy], n, mean), PHONE)


def test_a_mix_shift_is_called_a_mix_shift() -> None:
    given = mixed()
    outcome = detect(given)
    assert {cell for cell, _ in fired(outcome)} == {0}
    cause = explain(next(a for a in outcome.alerts if a.detector == "drop"), given, outcome, place(given), DAY)
    assert cause.verdict == MIX
    assert cause.mix == pytest.approx(15, abs=3)
    assert abs(cause.real) < 2
    assert cause.mix + cause.real == pytest.approx(cause.fall)
    assert sum(part.mix + part.real for part in cause.parts) == pytest.approx(cause.fall)


def test_a_surge_is_a_surge_and_grows() -> None:
    given = noisy(10, [PHONE], 10.0, 32)
    contacts = given.contacts.copy()
    contacts[BEGIN : BEGIN + DAY] *= 3
    contacts[BEGIN + DAY : BEGIN + 2 * DAY] *= 12
    outcome = detect(replace(given, contacts=contacts))
    assert fired(outcome) == []
    (alert,) = (one for one in outcome.alerts if one.detector == "surge" and one.fired >= BEGIN)
    assert alert.size == pytest.approx(3, abs=1)
    assert [BEGIN + DAY <= at < BEGIN + DAY + 3 for at, _ in alert.escalated] == [True]
    assert alert.ended is not None
    assert alert.ended >= BEGIN + 2 * DAY


def test_daily_answers_without_behaviour_are_enough() -> None:
    """A series of a rating a day or so is a valid input: it needs three days and thirty answers."""
    falls = falling(60, 1, slice(None), 20.0, 40)
    random = np.random.default_rng(11)
    given = series([Scope()], np.full((60, 1), 15.0), 70 + random.normal(0, 3, (60, 1)) - falls)
    assert [(cell, 40 <= at < 44) for cell, at in fired(detect(given, DAILY))] == [(0, True)]


def test_parents_are_the_nearest_that_exist() -> None:
    scopes = [Scope(), PHONE, Scope("", "new"), Scope("phone", "new"), Scope("web", "new"), Scope("", "", "shop")]
    assert parents(scopes).tolist() == [0, 0, 0, 1, 2, 0]


def test_cells_with_the_same_interactions_are_one() -> None:
    one = noisy(12, [Scope("phone")], 5.0, 2)
    twice = with_total(one, Scope())
    assert [twice.scopes[at] for at in distinct(twice)] == [Scope()]


def test_the_thresholds_of_the_design() -> None:
    assert threshold(3_000, HOURLY, 7) == pytest.approx(14.2, abs=0.05)
    assert threshold(60, HOURLY, 7) == pytest.approx(10.3, abs=0.05)
    assert threshold(60, HOURLY, 7, grains=2) - threshold(60, HOURLY, 7) == pytest.approx(np.log(2))
    assert threshold(1, DAILY, 7) == threshold(1, DAILY, 100)
