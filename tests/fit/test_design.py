"""Ridge regression against penalised least squares, and the columns that features become."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.fit.design import LEAST, blocks
from jobs.fit.ridge import ridge
from pipeline.batch import Texts
from pipeline.predictor import Line


@given(st.integers(0, 50), st.integers(1, 6))
def test_a_ridge_is_the_penalised_least_squares(seed: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    x, w, fold = rng.normal(size=(40, columns)), rng.random(40) + 0.1, rng.integers(0, 4, 40)
    y = x @ rng.normal(size=columns) + rng.normal(size=40)
    done = ridge(x, y, w, fold)
    mean = (w @ x) / w.sum()
    root = np.sqrt(w)[:, np.newaxis]
    rows = np.vstack((root * (x - mean), np.sqrt(done.penalty) * np.eye(columns)))
    wanted = np.linalg.lstsq(rows, np.append(root[:, 0] * (y - (w @ y) / w.sum()), np.zeros(columns)), rcond=None)[0]
    assert done.coefficients == pytest.approx(wanted, abs=1e-8)
    left, plain = 0.0, 0.0
    for number in np.unique(fold):
        out = fold == number
        effect = done.effects[out].sum(axis=1)
        target = (w[~out] @ y[~out]) / w[~out].sum()
        left += float(w[out] @ (y[out] - target - effect) ** 2)
        plain += float(w[out] @ (y[out] - target) ** 2)
    assert done.explained == pytest.approx(1 - left / plain, abs=1e-9)


def test_a_bent_effect_gets_bins_and_a_straight_one_a_line() -> None:
    rng = np.random.default_rng(2)
    value, fold = rng.uniform(1, 10, 3_000), rng.integers(0, 5, 3_000)
    acted, weight = np.ones(3_000, dtype=np.bool_), np.ones(3_000)
    noise = rng.normal(0, 3, 3_000)
    for y, kind in ((abs(value - 5) * 4 + noise, tuple), (value * 4 + noise, Line)):
        [block] = blocks({"measures.x": value}, acted, y, weight, fold)
        assert isinstance(block.form, kind)
    [block] = blocks({"measures.x": np.exp(value)}, acted, value * 4 + noise, weight, fold)
    assert isinstance(block.form, Line)
    assert block.form.logarithm


def test_rare_levels_share_an_effect() -> None:
    texts = np.array(["often"] * 60 + [f"rare {n}" for n in range(40)] + [""] * 50, dtype=object)
    names, codes = np.unique(texts, return_inverse=True)
    column, one = Texts(codes, names), np.ones(150)
    [block] = blocks({"outcome": column}, one.astype(bool), one, one, np.arange(150) % 5)
    assert block.form == ("often", "")
    assert block.gone
    assert block.columns.sum(axis=0).tolist() == [60.0, 40.0, 50.0]
    few = {"outcome": Texts(codes[: LEAST - 1], names)}
    assert list(blocks(few, one[: LEAST - 1].astype(bool), one[: LEAST - 1], one[: LEAST - 1], np.arange(29) % 5)) == []
