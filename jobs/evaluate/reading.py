"""From a warehouse to columns: the answers, and what the interactions tell without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from jobs.errors import PerceptionError
from jobs.evaluate import questions
from jobs.warehouse.protocol import Warehouse
from pipeline.answers import level_scores, rating_levels
from pipeline.model import Model

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

_TOLERANCE: Final = 1e-6


class NoAnswersError(PerceptionError):
    """There is nothing to compare predictions with."""


class OtherModelError(PerceptionError):
    """The warehouse was filled with another model."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Answers in order of (customer, time), shape (n,), and the interactions of those customers, shape (m,)."""

    customer: Index
    names: NDArray[np.object_]
    """Customer ids by ``customer``."""
    segment: Index
    segments: NDArray[np.object_]
    """Segments by ``segment``; empty = none."""
    at_ms: Index
    interaction: Index
    """Index into the interactions."""
    scale: NDArray[np.object_]
    levels: Index
    category: Index
    """0 = the worst answer."""
    value: Floats
    low: Floats
    high: Floats
    wanted: NDArray[np.bool_]
    """Answers to predict; the others are evidence only."""
    points: Floats
    weight: Floats
    """a_d, shape (n, 3)."""
    acted_ms: Index
    """Of each interaction, the last event that is no answer."""
    owner: Index
    """Customer of each interaction."""
    implied_weight: Floats
    """Evidence that is not from answers, shape (m, 3)."""
    implied_sum: Floats

    def __len__(self) -> int:
        return len(self.customer)


def read(warehouse: Warehouse, model: Model, *, where: str | None = None, since_ms: int | None = None) -> Sample:
    """All answers of a warehouse with what is needed to predict them.

    Args:
        warehouse: filled by a replay or a worker.
        model: the one that it was filled with.
        where: SQL on the columns of the view ``events``: the answers to predict.
        since_ms: predict no earlier answers.

    Raises:
        NoAnswersError: there are none, or ``where`` and ``since_ms`` leave none.
        OtherModelError: the warehouse was filled with another model.
    """
    _check_version(warehouse, model)
    found = [row for row in warehouse.query(questions.answers(where)).rows if row[4] in model.scales]
    columns = _columns(found, 9)
    if not found:
        raise NoAnswersError(
            f"{warehouse.url} holds no answers: there is nothing to compare predictions with",
            action="Take in events of type answer, with scale and value.",
        )
    told = _columns(warehouse.query(questions.INTERACTIONS).rows, 12)
    sample = _sample(columns, told, model, since_ms)
    if not sample.wanted.any():
        raise NoAnswersError("no answer is left to predict", action="Widen --where or --since.")
    return sample


def _check_version(warehouse: Warehouse, model: Model) -> None:
    version = warehouse.query("SELECT model_version FROM model").value()
    if version != model.version:
        raise OtherModelError(
            f"{warehouse.url} was filled with the model {version}, not with {model.version}",
            action="Give that model's file with PERCEPTION_MODEL__FILE or --model.",
        )


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True)) or [()] * width


def _sample(columns: list[tuple[Any, ...]], told: list[tuple[Any, ...]], model: Model, since_ms: int | None) -> Sample:
    names, customer = np.unique(np.array(columns[0], dtype=object), return_inverse=True)
    segments, segment = np.unique(np.array(columns[3], dtype=object), return_inverse=True)
    place = {key: index for index, key in enumerate(zip(told[0], told[1], strict=True))}
    value, low, high = (np.array(columns[index], dtype=np.float64) for index in (5, 6, 7))
    scale = np.array(columns[4], dtype=object)
    levels = rating_levels(low, high, model.answers)
    category = np.clip(np.floor((value - low) / (high - low) * (levels - 1) + 0.5), 0, levels - 1).astype(np.int64)
    at_ms = np.array(columns[2], dtype=np.int64)
    interaction = np.array([place[key] for key in zip(columns[0], columns[1], strict=True)], dtype=np.int64)
    weight = np.array([model.scales[name].weights for name in columns[4]])
    points = _points(scale, levels, category, model)
    implied = _implied(told, interaction, weight, points)
    code = {name: index for index, name in enumerate(names)}
    return Sample(
        customer=customer,
        names=names,
        segment=segment,
        segments=segments,
        at_ms=at_ms,
        interaction=interaction,
        scale=scale,
        levels=levels,
        category=category,
        value=value,
        low=low,
        high=high,
        wanted=np.array(columns[8], dtype=np.bool_) & (at_ms >= (since_ms if since_ms is not None else at_ms.min())),
        points=points,
        weight=weight,
        acted_ms=np.array(told[2], dtype=np.int64),
        owner=np.array([code.get(name, -1) for name in told[0]], dtype=np.int64),
        implied_weight=implied[0],
        implied_sum=implied[1],
    )


def _points(scale: NDArray[np.object_], levels: Index, category: Index, model: Model) -> Floats:
    points = np.empty(len(scale))
    for name, count in set(zip(scale.tolist(), levels.tolist(), strict=True)):
        rows = (scale == name) & (levels == count)
        points[rows] = level_scores(count, model.answers, *own_shares(name, count, model))[category[rows]]
    return points


def own_shares(name: str, levels: int, model: Model) -> tuple[tuple[float, ...], ...]:
    """Shares and counts of a scale where its answers have its own number of levels, else nothing."""
    scale = model.scales[name]
    return (scale.shares, scale.counts) if levels == scale.levels else ()


def _implied(told: list[tuple[Any, ...]], interaction: Index, weight: Floats, points: Floats) -> tuple[Floats, Floats]:
    """Evidence of each interaction without its answers: W and S, shape (m, 3) each."""
    total = np.array(told[3:], dtype=np.float64).reshape(3, 3, -1).transpose(0, 2, 1)
    stated, said = np.zeros_like(total[0]), np.zeros_like(total[0])
    np.add.at(stated, interaction, weight)
    np.add.at(said, interaction, weight * points[:, np.newaxis])
    if not np.allclose(stated, total[2], rtol=0, atol=_TOLERANCE):
        raise OtherModelError(
            "the answers weigh something else in this warehouse than in the model",
            action="Give the model that the warehouse was filled with, and see that no raw events were dropped by age.",
        )
    implied = total[0] - stated
    some = implied > _TOLERANCE
    return np.where(some, implied, 0.0), np.where(some, total[1] - said, 0.0)
