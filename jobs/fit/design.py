"""From features as they are known at answers to columns of a regression, and back to effects of the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from jobs.fit.ridge import ridge
from pipeline.batch import Texts
from pipeline.predictor import Bins, Column, Feature, Levels, Line, Triple

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

LEAST: Final = 30
"""Answers that a number or a level needs to have an effect of its own."""
MOST_BINS: Final = 10
_TAIL: Final = 0.005
"""Share of numbers beyond each end that count as the end."""
_PENALTY: Final = (10.0,)
"""λ while forms of one number are compared."""


@dataclass(frozen=True, slots=True)
class Block:
    """The columns of one feature."""

    source: str
    columns: Floats
    """Shape (n, c); the last one is "missing" where ``gone``."""
    gone: bool
    form: Line | tuple[float, ...] | tuple[str, ...]
    """How the other columns came about: a line without effects, edges of bins, or names of levels ("" = other)."""
    scale: float = 1.0
    """Of a line: the column is (level - mean)/scale."""

    def feature(self, effects: Floats, means: Floats, share: Triple, types: tuple[str, ...]) -> Feature:
        """The feature with coefficients ``effects`` (c, 3) of columns whose means are ``means`` (c,)."""
        centre = means @ effects
        missing = _triple(effects[-1] - centre) if self.gone else (0.0, 0.0, 0.0)
        own = effects[:-1] if self.gone else effects
        if isinstance(self.form, Line):
            line = self.form
            slope, base = _triple(own[0] / self.scale), _triple(-centre)
            return Line(slope, line.mean, line.low, line.high, share, base, missing, types, line.logarithm)
        points = [_triple(row - centre) for row in own]
        if not self.form or isinstance(self.form[0], float):
            return Bins(tuple(float(edge) for edge in self.form), tuple(points), share, missing, types)
        named = dict(zip(map(str, self.form), points, strict=True))
        other = named.pop("", _triple(-centre))
        return Levels(named, share, other, missing, types)


def _triple(values: Floats) -> Triple:
    first, second, third = (float(value) for value in values)
    return first, second, third


def blocks(columns: Mapping[str, Column], acted: Flags, y: Floats, w: Floats, fold: Index) -> Iterator[Block]:
    """A block per feature that ``acted`` answers tell enough about."""
    for source, column in columns.items():
        block = (
            _text(source, column, acted) if isinstance(column, Texts) else _number(source, column, acted, y, w, fold)
        )
        if block is not None and (block.columns.max(axis=0) > block.columns.min(axis=0)).any():
            yield block


def _text(source: str, column: Texts, acted: Flags) -> Block | None:
    """A column per level, of all rare levels, and of missing."""
    codes, names = column.compact()
    count = np.bincount(codes, minlength=len(names))
    often = [code for code in np.argsort(-count, kind="stable").tolist() if names[code] and count[code] >= LEAST]
    if not often:
        return None
    missing = np.array([not name for name in names], dtype=bool)[codes] & acted
    rest = acted & ~missing & ~np.isin(codes, often)
    parts = [codes == code for code in often]
    levels = [names[code] for code in often]
    if rest.sum() >= LEAST:
        parts.append(rest)
        levels.append("")
    return _block(source, parts, missing, tuple(levels))


def _block(source: str, parts: list[Any], missing: Flags, form: Any, scale: float = 1.0) -> Block:
    gone = bool(missing.sum() >= LEAST)
    columns = np.column_stack([*parts, *([missing] if gone else [])]).astype(np.float64)
    return Block(source, columns, gone, form, scale)


def _number(source: str, values: Floats, acted: Flags, y: Floats, w: Floats, fold: Index) -> Block | None:
    """The form that predicts best on its own; another one than a line only if it is better by more than chance."""
    known = ~np.isnan(values)
    if known.sum() < LEAST or np.ptp(values[known]) == 0:
        return None
    missing = acted & ~known
    forms = [form for form in (_line(source, values, missing), _log(source, values, missing)) if form is not None]
    forms += [_bins(source, values, missing)] if len(np.unique(values[known])) > 2 else []
    tried = [ridge(form.columns, y, w, fold, _PENALTY) for form in forms]
    best = max(range(len(forms)), key=lambda place: tried[place].explained)
    chance = np.nan_to_num(tried[0].error)
    return forms[best] if tried[best].explained > tried[0].explained + chance else forms[0]


def _line(source: str, values: Floats, missing: Flags, *, logarithm: bool = False) -> Block | None:
    known = ~np.isnan(values)
    low, high = (float(end) for end in np.quantile(values[known], (_TAIL, 1 - _TAIL)))
    if low >= high:
        low, high = float(values[known].min()), float(values[known].max())
    level = np.clip(values, low, high)
    level = np.log(level) if logarithm else level
    mean, scale = float(level[known].mean()), float(level[known].std())
    if scale == 0:
        return None
    column = np.where(known, (level - mean) / scale, 0.0)
    form = Line((0.0, 0.0, 0.0), mean, low, high, (0.0, 0.0, 0.0), logarithm=logarithm)
    return _block(source, [column], missing, form, scale)


def _log(source: str, values: Floats, missing: Flags) -> Block | None:
    """A line over the logarithm, where numbers are above 0 and range widely."""
    known = values[~np.isnan(values)]
    low, high = np.quantile(known, (_TAIL, 1 - _TAIL))
    return _line(source, values, missing, logarithm=True) if low > 0 and high > 4 * low else None


def _bins(source: str, values: Floats, missing: Flags) -> Block:
    """A column per bin: each distinct value where there are few, else bins of as many numbers each."""
    known = ~np.isnan(values)
    distinct, count = np.unique(values[known], return_counts=True)
    if len(distinct) > MOST_BINS or count.min() < LEAST:
        at = np.linspace(0, 1, min(MOST_BINS, max(int(known.sum()) // LEAST, 1)) + 1)[1:-1]
        edges = np.unique(np.quantile(values[known], at))
        edges = edges[(edges > distinct[0]) & (edges <= distinct[-1])]
    else:
        edges = (distinct[1:] + distinct[:-1]) / 2
    place = np.searchsorted(edges, values, "right")
    parts = [known & (place == number) for number in range(len(edges) + 1)]
    return _block(source, parts, missing, tuple(float(edge) for edge in edges))
