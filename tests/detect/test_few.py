"""Series of few values: weekly ones, means of a day, days without any, and beginnings that are not blurred."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.detect.assemble import thresholds
from pipeline.detect.policy import DAILY, HOURLY, Watch
from pipeline.detect.run import Outcome, run
from pipeline.detect.series import Scope, Series
from tests.detect.cells import DAY, series, with_total

COMPANIES = [Scope(touchpoint=f"company {one}") for one in range(4)]


def means(seed: int, days: int, step: int = 1) -> Series:
    """One mean of each company every ``step`` days; some are missing."""
    random = np.random.default_rng(seed)
    shape = (days, len(COMPANIES))
    n = (random.random(shape) > 0.05) & (np.arange(days)[:, None] % step == 0)
    return series(COMPANIES, n.astype(float), random.normal(60, 2.5, shape), deviation=0.0)


def fallen(given: Series, bucket: int, cell: int, points: float) -> Series:
    """The same with one lower value."""
    n, total = given.n.copy(), given.total.copy()
    n[bucket, cell], total[bucket, cell] = 1.0, 60.0 - points
    return replace(given, n=n, total=total, contacts=n[..., 0], customers=n[..., 0])


def watched(given: Series, watch: Watch) -> Outcome:
    """A run at the a-priori thresholds."""
    return run(given, watch, thresholds(given, watch, 7, 2))


@pytest.mark.parametrize(("days", "step"), [(80, 1), (730, 7)])
def test_one_bad_mean_names_its_company_and_its_day(days: int, step: int) -> None:
    alone = replace(DAILY, customers=1)
    bad = days * 3 // 4 // step * step
    outcome = watched(fallen(means(1, days, step), bad, 2, 22.0), alone)
    assert [(one.cell, one.since, one.fired) for one in outcome.alerts] == [(2, bad, bad)]


@pytest.mark.parametrize("seed", range(8))
def test_weeks_between_values_are_no_silence_and_no_surge(seed: int) -> None:
    given = with_total(means(seed, 730, 7), Scope())
    assert watched(given, replace(DAILY, customers=1)).alerts == []


def test_a_mean_is_one_customer_unless_configured() -> None:
    assert watched(fallen(means(1, 80), 60, 2, 22.0), DAILY).alerts == []


def test_a_surge_began_when_it_began() -> None:
    """A little more than usual for weeks does not blur when the many came."""
    random = np.random.default_rng(2)
    hours = np.arange(40 * DAY)
    rate = np.where(hours >= 38 * DAY, 9.0, np.where(hours >= 20 * DAY, 0.6, 0.5))
    n = random.poisson(rate)[:, None].astype(float)
    outcome = watched(series([Scope()], n, np.full(n.shape, 70.0)), HOURLY)
    surges = [one for one in outcome.alerts if one.detector == "surge" and one.fired >= 38 * DAY - 1]
    assert [abs(one.since - 38 * DAY) <= 2 for one in surges] == [True]
    assert 4 < surges[0].size < 30


def test_three_times_the_usual_is_not_back_to_usual() -> None:
    random = np.random.default_rng(3)
    hours = np.arange(45 * DAY)
    rate = np.where(hours >= 42 * DAY, 6.0, np.where(hours >= 40 * DAY, 60.0, 2.0))
    n = random.poisson(rate)[:, None].astype(float)
    outcome = watched(series([Scope()], n, np.full(n.shape, 70.0)), HOURLY)
    (surge,) = (one for one in outcome.alerts if one.detector == "surge")
    assert surge.ended is None
