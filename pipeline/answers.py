"""Explicit answers: normal scores of their ordinal scale, the ground truth of the estimate.

An answer in category c of a scale becomes the mean of the standard normal between its cumulative shares, so the
asymmetry of bad answers comes out by itself (PERCEPTION.md, "Explicit answers").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model import AnswerRule, Model, Scale
from pipeline.ordering import present
from pipeline.records import NOTE_ANSWER
from pipeline.strings import Strings

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
_NORMAL = NormalDist()
_ROUNDING = 1e-9
"""A place nearer to a level than this is the level."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Explicit observations, shape (a,), in order of (owner, at, sequence, event_hash, scale)."""

    fact: Indices
    at_ms: Indices
    weight: Floats
    """Shape (a, 3): per dimension, 1 = an answer to the dimension's own question."""
    value: Floats
    """Score points, shape (a,)."""


def read(notes: NDArray[Any], strings: Strings, model: Model) -> Answers:
    """Answers among ``notes`` as observations; a value that is no number, or an unknown scale, gives none."""
    asked = notes[notes["kind"] == NOTE_ANSWER]
    weight = np.zeros((len(asked), 3))
    value = np.full(len(asked), np.nan)
    for name, scale in model.scales.items():
        code = strings.get(name)
        if code is not None and len(rows := np.flatnonzero(asked["name"] == code)):
            weight[rows] = scale.weights
            value[rows] = _values(asked[rows], scale, model.answers)
    return _ordered(asked, weight, value)


def _ordered(asked: NDArray[Any], weight: Floats, value: Floats) -> Answers:
    ties = (asked["name"], asked["event_hash"], asked["sequence"], asked["at_ms"], asked["owner"])
    order = np.lexsort(ties)
    order = order[~np.isnan(value[order])]
    taken = asked[order]
    return Answers(taken["owner"].astype(np.int64), taken["at_ms"].copy(), weight[order], value[order])


def _values(asked: NDArray[Any], scale: Scale, rule: AnswerRule) -> Floats:
    """Score points of answers on one scale, shape (a,)."""
    low, high = _ends(asked, scale)
    levels = rating_levels(low, high, rule)
    place = (asked["value"] - low) / (high - low)
    values = np.full(len(asked), np.nan)
    for count in present(levels[levels > 0]).tolist():
        rows = np.flatnonzero(levels == count)
        scores = level_scores(count, rule, *scale.known(count))
        values[rows] = _look_up(scores, place[rows], _exact(low[rows], high[rows], rule))
    return values


def _ends(asked: NDArray[Any], scale: Scale) -> tuple[Floats, Floats]:
    """Worst and best answer as given, else the scale's own; NaN where they make no scale, shape (a,) each."""
    worst, best = (scale.first, scale.first + scale.levels - 1) if scale.levels else (np.nan, np.nan)
    low = np.where(np.isnan(asked["low"]), worst, asked["low"])
    high = np.where(np.isnan(asked["high"]), best, asked["high"])
    with np.errstate(over="ignore", invalid="ignore"):
        span = high - low
    usable = np.isfinite(span) & (span > 0)
    return np.where(usable, low, np.nan), np.where(usable, high, np.nan)


def _look_up(scores: Floats, place: Floats, exact: NDArray[np.bool_]) -> Floats:
    """Scores at places from 0 (worst) to 1 (best), beyond the ends the end.

    On a scale of ``exact`` levels (a,) what lies between two of them is no single answer but a mean of several: it is
    interpolated. On a wide scale, whose steps are coarser than its answers, it is the nearest level, half up.
    """
    known = np.isfinite(place)
    at = np.clip(np.where(known, place, 0.0) * (len(scores) - 1), 0, len(scores) - 1)
    nearest = np.floor(at + 0.5)
    between = exact & (np.abs(at - nearest) > _ROUNDING)
    below = np.where(between, np.floor(at), nearest).astype(np.int64)
    above = np.minimum(below + 1, len(scores) - 1)
    part = np.where(between, at - below, 0.0)
    return np.where(known, scores[below] + part * (scores[above] - scores[below]), np.nan)


def rating_levels(low: Floats, high: Floats, rule: AnswerRule) -> Indices:
    """Number of levels of answers from ``low`` to ``high``, shape (a,); 0 where the ends are NaN.

    Whole-numbered ends: one level per whole number, up to ``rating_exact_levels``. Wider scales and broken ends:
    ``rating_wide_levels`` equal steps, because people answer wide scales in tens, and finer levels would
    make the highest answer a rarity that it is not.
    """
    span = np.asarray(high - low)
    levels = np.where(_exact(low, high, rule), span + 1, rule.rating_wide_levels)
    return np.where(np.isnan(span), 0, levels).astype(np.int64)


def _exact(low: Floats, high: Floats, rule: AnswerRule) -> NDArray[np.bool_]:
    """Whether every whole number from ``low`` to ``high`` is a level."""
    whole = (np.floor(low) == low) & (np.floor(high) == high)
    return np.asarray(whole & (high - low < rule.rating_exact_levels))


@lru_cache(maxsize=256)
def level_scores(
    levels: int, rule: AnswerRule, shares: tuple[float, ...] = (), counts: tuple[float, ...] = ()
) -> Floats:
    """Score points y of each category of a scale, shape (levels,), read-only.

    ``y = level + spread·z`` with ``z_c = (φ(a_{c-1}) - φ(a_c))/p_c``, ``a_c = Φ⁻¹(Σ_{k<=c} p_k)`` and
    ``p_c = (n_c + pseudo·p⁰_c)/(n + pseudo)``; ``shares`` p⁰_c per category (empty = interpolated), ``counts`` n_c
    answers per category (empty = none). ``level = Σ p_c·y⁰_c``, y⁰ under the defaults: without it each refit would
    reset a bad company to the centre.

    >>> level_scores(5, AnswerRule()).round().tolist()
    [33.0, 45.0, 52.0, 62.0, 84.0]
    """
    fitted, level = _fitted(levels, rule, shares, counts)
    scores: Floats = level + rule.spread * _normal_scores(fitted)
    scores.setflags(write=False)
    return scores


@lru_cache(maxsize=256)
def level_edges(
    levels: int, rule: AnswerRule, shares: tuple[float, ...] = (), counts: tuple[float, ...] = ()
) -> Floats:
    """Score points between which each category of a scale lies, shape (levels + 1,), read-only; the ends are infinite.

    ``level + spread·a_c`` with the shares and the level of :func:`level_scores` (PERCEPTION.md, Back to the answer).
    """
    fitted, level = _fitted(levels, rule, shares, counts)
    inner = [level + rule.spread * _NORMAL.inv_cdf(float(share)) for share in np.cumsum(fitted)[:-1]]
    edges = np.array([-np.inf, *inner, np.inf])
    edges.setflags(write=False)
    return edges


def fitted_shares(
    levels: int, rule: AnswerRule, shares: tuple[float, ...] = (), counts: tuple[float, ...] = ()
) -> Floats:
    """Share p_c of answers per category of a scale, shape (levels,)."""
    return _fitted(levels, rule, shares, counts)[0]


def kept_share(levels: int, rule: AnswerRule, shares: tuple[float, ...] = (), counts: tuple[float, ...] = ()) -> float:
    """Share of the variance of a reading that its normal score keeps: a score is the mean of its category."""
    known, points = fitted_shares(levels, rule, shares, counts), level_scores(levels, rule, shares, counts)
    center = float(known @ points)
    return float(known @ (points - center) ** 2) / rule.spread**2


def _fitted(
    levels: int, rule: AnswerRule, shares: tuple[float, ...], counts: tuple[float, ...]
) -> tuple[Floats, float]:
    """Shares p_c, and the level in points that they keep."""
    default = np.asarray(shares) if shares else _default_shares(levels, rule)
    start = rule.center + rule.spread * _normal_scores(default)
    seen = np.asarray(counts or (0.0,) * levels, dtype=np.float64)
    fitted = (seen + rule.pseudo_answers * default) / (seen.sum() + rule.pseudo_answers)
    return fitted, float(fitted @ start)


def _default_shares(levels: int, rule: AnswerRule) -> Floats:
    """Shares per category where a scale has none of its own: the default cumulative, interpolated at c/K."""
    knots = np.linspace(0.0, 1.0, len(rule.cumulative))
    return np.diff(np.interp(np.arange(levels + 1) / levels, knots, rule.cumulative))


def _normal_scores(shares: Floats) -> Floats:
    """Mean z of the standard normal within each category, shape (levels,)."""
    inner = [_NORMAL.inv_cdf(float(share)) for share in np.cumsum(shares)[:-1]]
    density = np.array([0.0, *map(_NORMAL.pdf, inner), 0.0])
    return np.asarray(-np.diff(density) / shares)
