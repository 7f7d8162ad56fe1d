"""The evaluation runs, and its small numbers are sane."""

from __future__ import annotations

import re

import pytest

from tests.evaluate.alerts import LEARN, a_priori, falling, main
from tests.evaluate.worlds import DAY, world


def test_it_prints_its_tables(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.evaluate.alerts.power", lambda *_: None)
    main(["--worlds", "1", "--leaves", "40", "--parents", "2"])
    printed = capsys.readouterr().out
    assert "leaves 0.00" in printed
    assert re.search(r"page: channel=c3 after [123] h ", printed)
    assert "fired 1 times (goal 1), resolved 1 times (goal 1), withdrawn 0" in printed
    assert "pages: 1 (goal 1)" in printed
    assert "called a mix shift" in printed
    assert "30 cells of an event an hour: 0 pages" in printed


def test_a_world_is_a_function_of_its_seed() -> None:
    one, same, other = (world(seed, leaves=4, parents=2, days=3) for seed in (1, 1, 2))
    assert (one.series.total == same.series.total).all()
    assert (one.series.total != other.series.total).any()
    assert one.series.n[:, 0].tolist() == (one.series.n[:, 2] + one.series.n[:, 4]).tolist()


def test_falls_are_where_they_are_said_to_be() -> None:
    made, falls = falling(1, 10, 16.0)
    assert len(a_priori(made)) == len(made.series.scopes) == 11
    cell = made.series.n[:, made.parents], made.series.total[:, made.parents]
    before, after = slice(0, falls.begin[0]), slice(falls.begin[0], None)
    means = [cell[1][part].sum() / cell[0][part].sum() for part in (before, after)]
    assert means[0] - means[1] == pytest.approx(16, abs=2)
    assert falls.begin.min() >= LEARN * DAY
