"""What signals say of facts: which of them speak, what they shift, and how much of their weight they keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Model
from pipeline.peak_end import Seen
from pipeline.signals import Effect, Signal, discover
from schemas.tables import DIMENSIONS

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def replaced(model: Model) -> frozenset[str]:
    """Signals that the model's predictor speaks for."""
    return frozenset() if model.predictor is None else frozenset(model.predictor.signals)


def judged(facts: NDArray[Any], closed: NDArray[np.bool_], two_way: NDArray[np.bool_], model: Model) -> Seen:
    """What every signal of the model says for certain, in order of (fact, signal); not those that its predictor has."""
    columns = _Columns(facts)
    silent = replaced(model)
    places = [place for place, name in enumerate(model.effect_names) if name not in silent]
    names = [model.effect_names[place] for place in places]
    found = [_judge(discover()[name], model.effects[name], columns, closed, two_way) for name in names]
    if not found:
        none = np.zeros(0, np.int64)
        return Seen(none, none.astype(np.int16), none.astype(np.float64), none.astype(np.bool_))
    fact = np.concatenate([rows for rows, _, _ in found])
    order = np.argsort(fact, kind="stable")
    return Seen(
        fact[order],
        np.repeat(np.array(places, np.int16), [len(rows) for rows, _, _ in found])[order],
        np.concatenate([shift for _, shift, _ in found])[order],
        np.concatenate([happened for _, _, happened in found])[order],
    )


def _judge(
    signal: Signal, effect: Effect, columns: _Columns, closed: NDArray[np.bool_], two_way: NDArray[np.bool_]
) -> tuple[Indices, Floats, NDArray[np.bool_]]:
    """Facts that show the signal for certain, their shift b in score points, and whether something happened."""
    rows = np.flatnonzero(signal.applies(columns) & two_way)
    level = signal.observed(columns.at(rows))
    told = np.flatnonzero((closed[rows] | effect.at_once(level)) & ~np.isnan(level))
    level = level[told]
    return rows[told], effect.shift(level), effect.happened(level) | signal.always


class _Columns:
    """Fields of some facts as contiguous arrays, each copied once: signals look at the same few again and again."""

    def __init__(self, facts: NDArray[Any]) -> None:
        self._facts = facts
        self._made: dict[str, NDArray[Any]] = {}

    def __getitem__(self, field: str, /) -> NDArray[Any]:
        if field not in self._made:
            self._made[field] = np.ascontiguousarray(self._facts[field])
        return self._made[field]

    def at(self, rows: Indices) -> _Rows:
        """Some of the facts."""
        return _Rows(self, rows)


@dataclass(frozen=True, slots=True)
class _Rows:
    columns: _Columns
    rows: Indices

    def __getitem__(self, field: str, /) -> NDArray[Any]:
        chosen: NDArray[Any] = self.columns[field][self.rows]
        return chosen


def capped_share(seen: Seen, facts: int, model: Model) -> Floats:
    """Share of the weights that a fact's signals keep so that their sum is at most the cap, shape (facts, 3).

    Summed in order of the signals: any other order could round differently in another batch.
    """
    weight = weights(model)[seen.signal]
    total = np.stack([np.bincount(seen.fact, column, facts) for column in weight.T], axis=1)
    return np.asarray(model.implicit_cap / np.maximum(total, model.implicit_cap))


def weights(model: Model) -> Floats:
    """Weight of each signal per dimension before the cap, shape (signals, 3)."""
    effects = [model.effects[name] for name in model.effect_names]
    made = np.array([np.multiply(model.signal_weight(effect), effect.shares) for effect in effects])
    return made.reshape(len(effects), len(DIMENSIONS))
