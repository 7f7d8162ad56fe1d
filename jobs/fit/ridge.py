"""Ridge regression in closed form, its penalty chosen by cross-validation over groups of rows.

Hoerl and Kennard (1970). A penalty of λ shrinks the effect of a level seen n times by n/(n + λ): it counts in answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

PENALTIES: Final = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
"""λ to choose from, answers."""


@dataclass(frozen=True, slots=True)
class Ridge:
    """One fitted regression."""

    coefficients: Floats
    """β per column, shape (p,)."""
    means: Floats
    """Weighted mean per column, shape (p,)."""
    penalty: float
    explained: float
    """R² on rows left out."""
    error: float
    """Its standard error over the folds."""
    effects: Floats
    """β_j(x_j - x̄_j) of every row and column by the fit that left the row out, shape (n, p)."""


@dataclass(frozen=True, slots=True)
class _Sums:
    """Weighted sums of some rows: all that ridge needs."""

    weight: float
    columns: Floats
    target: float
    power: float
    square: Floats
    product: Floats

    @classmethod
    def of(cls, x: Floats, y: Floats, w: Floats) -> _Sums:
        weighted = x * w[:, np.newaxis]
        return cls(float(w.sum()), weighted.sum(axis=0), float(w @ y), float(w @ y**2), weighted.T @ x, weighted.T @ y)

    def less(self, other: _Sums) -> _Sums:
        """Without the rows of ``other``."""
        return _Sums(
            self.weight - other.weight,
            self.columns - other.columns,
            self.target - other.target,
            self.power - other.power,
            self.square - other.square,
            self.product - other.product,
        )

    def centre(self) -> tuple[Floats, float]:
        """Means of columns and target."""
        return self.columns / self.weight, self.target / self.weight

    def solve(self, penalty: float) -> Floats:
        """β of the centred columns."""
        mean, target = self.centre()
        square = self.square - self.weight * np.outer(mean, mean)
        product = self.product - self.weight * mean * target
        return np.asarray(np.linalg.solve(square + penalty * np.eye(len(mean)), product), dtype=np.float64)

    def error(self, other: _Sums, penalty: float) -> tuple[float, float]:
        """Squared errors on the rows of ``other``, of the regression on these rows and of their mean."""
        beta = self.solve(penalty)
        mean, target = self.centre()
        start = target - float(mean @ beta)
        cross = float(beta @ other.product) - start * float(other.columns @ beta)
        left = other.power + start * start * other.weight - 2.0 * (start * other.target + cross)
        plain = other.power - 2.0 * target * other.target + target * target * other.weight
        return left + float(beta @ other.square @ beta), plain


def ridge(x: Floats, y: Floats, w: Floats, fold: Index, penalties: Sequence[float] = PENALTIES) -> Ridge:
    """Fit ``y`` (n,) on ``x`` (n, p) with weights ``w`` (n,); rows of one ``fold`` (n,) are left out together."""
    folds = [np.flatnonzero(fold == number) for number in np.unique(fold[w > 0])]
    parts = [_Sums.of(x[rows], y[rows], w[rows]) for rows in folds]
    total = _Sums.of(x, y, w)
    trained = [total.less(part) for part in parts]
    errors = [np.array([one.error(part, by) for one, part in zip(trained, parts, strict=True)]) for by in penalties]
    best = min(range(len(penalties)), key=lambda place: float(errors[place][:, 0].sum()))
    (left, plain), penalty = errors[best].T, penalties[best]
    effects = np.zeros_like(x)
    for rows, sums in zip(folds, trained, strict=True):
        effects[rows] = (x[rows] - sums.centre()[0]) * sums.solve(penalty)
    return Ridge(
        total.solve(penalty),
        total.centre()[0],
        penalty,
        1.0 - float(left.sum() / plain.sum()) if plain.sum() > 0 else 0.0,
        _error(1.0 - left / np.maximum(plain, np.finfo(np.float64).tiny)),
        effects,
    )


def _error(values: Floats) -> float:
    return float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else float("nan")
