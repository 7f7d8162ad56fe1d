"""Laws of every detector, found by walking the package: a new one is judged without an edit."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.detect.detectors import Detector, Seen, discover
from pipeline.detect.policy import CAP_ABOVE, DAILY, HOURLY, Watch, threshold
from pipeline.detect.run import Outcome, run
from pipeline.detect.series import Scope, Series
from tests.detect.cells import DAY, detect, noisy

DETECTORS = list(discover().values())
every_detector = pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
SCOPES = [Scope("phone"), Scope("web"), Scope("store")]
BEGIN = 24 * DAY


def spoilt(detector: Detector, cell: int = 1) -> Series:
    """Thirty days in which the thing happens to one cell from day 24 on."""
    usual = noisy(3, SCOPES, 20.0, 30)
    n, total, contacts = usual.n.copy(), usual.total.copy(), usual.contacts.copy()
    for bucket in range(BEGIN, len(n)):
        mean = total[bucket] / np.maximum(n[bucket], 1)
        bad = detector.worse(Seen(n[bucket], mean, contacts[bucket]))
        n[bucket, cell], contacts[bucket, cell] = bad.n[cell], bad.contacts[cell]
        total[bucket, cell] = bad.n[cell] * bad.mean[cell]
    return replace(usual, n=n, total=total, contacts=contacts)


def of(outcome: Outcome, detector: Detector) -> list[Any]:
    return [alert for alert in outcome.alerts if alert.detector == detector.name]


def test_the_detectors_are_found() -> None:
    assert {"drop", "silence", "surge"} <= {detector.name for detector in DETECTORS}


@every_detector
def test_is_documented(detector: Detector) -> None:
    module = importlib.import_module(f"pipeline.detect.detectors.{detector.name}")
    assert module.__doc__
    assert detector.meaning


@every_detector
def test_fires_when_it_happens_and_only_there(detector: Detector) -> None:
    alerts = of(detect(spoilt(detector)), detector)
    assert [(alert.cell, BEGIN <= alert.fired < BEGIN + 6) for alert in alerts] == [(1, True)]
    assert BEGIN - 2 <= alerts[0].since <= alerts[0].fired


@every_detector
def test_is_quiet_when_nothing_happens(detector: Detector) -> None:
    assert of(detect(noisy(4, SCOPES, 20.0, 40)), detector) == []


@every_detector
def test_does_not_look_ahead(detector: Detector) -> None:
    whole, cut = spoilt(detector), BEGIN + 12
    known = [replace(one, ended=None, reason="", escalated=[]) for one in of(detect(whole.until(cut)), detector)]
    later = [one for one in of(detect(whole), detector) if one.fired < cut]
    assert [replace(one, ended=None, reason="", escalated=[]) for one in later] == known


@every_detector
def test_cells_do_not_disturb_each_other(detector: Detector) -> None:
    """Another order of the cells, or fewer of them, changes nothing for a cell without a parent."""
    given = spoilt(detector)
    limits = np.full(3, threshold(3, HOURLY, 7))
    alone = run(given.take([1]), HOURLY, limits[:1])
    turned = run(given.take([2, 1, 0]), HOURLY, limits)
    expected = of(run(given, HOURLY, limits), detector)
    assert [replace(one, cell=1) for one in of(alone, detector)] == expected
    assert [replace(one, cell=2 - one.cell) for one in of(turned, detector)] == expected


@every_detector
def test_says_the_same_twice(detector: Detector) -> None:
    assert of(detect(spoilt(detector)), detector) == of(detect(spoilt(detector)), detector)


@every_detector
@pytest.mark.parametrize("watch", [HOURLY, DAILY], ids=lambda watch: watch.grain)
def test_evidence_stays_within_its_bounds(detector: Detector, watch: Watch) -> None:
    from pipeline.detect.baseline import Expected

    random = np.random.default_rng(5)
    evidence, cap = detector.start(4, 3), np.full(4, 8.0 + CAP_ABOVE)
    ready: NDArray[np.bool_] = np.ones((4, 3), bool)
    for bucket in range(200):
        n = random.poisson(3.0, (4, 3)).astype(float)
        seen = Seen(n, random.uniform(0, 100, (4, 3)), n[:, 0])
        expected = Expected(
            np.full((4, 3), 60.0), np.full((4, 3), 30.0), ready, np.full(4, 3.0), np.ones(4), ready[:, 0]
        )
        evidence.update(bucket, seen, expected, ready[:, : evidence.level.shape[2]], cap)
        assert np.all((evidence.level >= 0) & (evidence.level <= cap[0]))
        assert np.all((evidence.level > 0) | (evidence.left == bucket + 1))
    before = evidence.level.copy()
    empty = Seen(np.zeros((4, 3)), np.zeros((4, 3)), np.zeros(4))
    none = Expected(np.full((4, 3), 60.0), np.full((4, 3), 30.0), ready, np.zeros(4), np.ones(4), ready[:, 0])
    evidence.update(200, empty, none, ready[:, : evidence.level.shape[2]], cap)
    assert np.array_equal(evidence.level, before)
    evidence.reset(np.array([True, False, False, False]), 200)
    assert not evidence.level[:, 0].any()
