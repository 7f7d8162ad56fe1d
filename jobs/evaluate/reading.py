"""From a warehouse to columns: the answers, and what the interactions tell without them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from jobs.errors import PerceptionError
from jobs.evaluate import questions
from jobs.evaluate.predicted import Predicted, implied_by, predicted
from jobs.journal import Facts, Journal, read_facts
from jobs.journal import read as read_journal
from jobs.journal.facts import FOREVER_MS
from jobs.warehouse.protocol import Warehouse
from pipeline.answers import level_scores, rating_levels
from pipeline.model import Model
from pipeline.policy import Policy
from schemas.event import SCALES

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
    predicted: Predicted
    """What the model's predictor says."""

    def __len__(self) -> int:
        return len(self.customer)


@dataclass(frozen=True, slots=True)
class Base:
    """What a warehouse holds about answers, before any model judges it."""

    url: str
    version: str
    """Of the model that the warehouse was filled with."""
    columns: list[tuple[Any, ...]]
    """Of the answers, in the order of ``questions.answers``."""
    told: list[tuple[Any, ...]]
    """Of the interactions, in the order of ``questions.INTERACTIONS``."""
    facts: Facts
    journal: Journal
    coded: Coded

    @classmethod
    def of(
        cls,
        url: str,
        version: str,
        columns: list[tuple[Any, ...]],
        told: list[tuple[Any, ...]],
        facts: Facts,
        journal: Journal,
    ) -> Base:
        """With all codes."""
        return cls(url, version, columns, told, facts, journal, Coded.of(columns, told, journal))

    def __len__(self) -> int:
        return len(self.columns[0])

    def only(self, rows: NDArray[np.bool_]) -> Base:
        """With some of the answers only."""
        kept = [tuple(itertools.compress(column, rows.tolist())) for column in self.columns]
        return Base.of(self.url, self.version, kept, self.told, self.facts, self.journal)


@dataclass(frozen=True, slots=True)
class Coded:
    """Columns of answers as arrays and codes, shape (n,) but for names and segments."""

    customer: Index
    names: NDArray[np.object_]
    code: Mapping[str, int]
    """Of each name."""
    segment: Index
    segments: NDArray[np.object_]
    at_ms: Index
    interaction: Index
    journey: Index
    """In the journal; -1 where that has none."""
    person: Index
    """Customer in the journal; -1 where that has none."""

    @classmethod
    def of(cls, columns: list[tuple[Any, ...]], told: list[tuple[Any, ...]], journal: Journal) -> Coded:
        """The codes of answers."""
        names, customer = np.unique(np.array(columns[0], dtype=object), return_inverse=True)
        segments, segment = np.unique(np.array(columns[3], dtype=object), return_inverse=True)
        place = {key: index for index, key in enumerate(zip(told[0], told[1], strict=True))}
        interaction = [place[key] for key in zip(columns[0], columns[1], strict=True)]
        journey = [journal.codes.get(key, -1) for key in zip(columns[0], columns[9], strict=True)]
        return cls(
            customer=customer,
            names=names,
            code={name: index for index, name in enumerate(names)},
            segment=segment,
            segments=segments,
            at_ms=np.array(columns[2], np.int64),
            interaction=np.array(interaction, np.int64),
            journey=np.array(journey, np.int64),
            person=np.array([journal.people.get(name, -1) for name in columns[0]], np.int64),
        )


def gather(
    warehouse: Warehouse, *, where: str | None = None, until_ms: int | None = None, policy: Policy = Policy()
) -> Base:
    """All answers of a warehouse from before ``until_ms``, and what happened to the customers who gave them.

    ``policy`` is the one that the warehouse was filled with.
    """
    until = FOREVER_MS if until_ms is None else until_ms
    found = [row for row in warehouse.query(questions.answers(where)).rows if row[4] in SCALES and row[2] < until]
    facts = read_facts(warehouse, until_ms, policy=policy)
    return Base.of(
        url=warehouse.url,
        version=str(warehouse.query("SELECT model_version FROM model").value()),
        columns=_columns(found, 10),
        told=_columns(warehouse.query(questions.INTERACTIONS).rows, 12),
        facts=facts,
        journal=read_journal(warehouse, facts, until_ms),
    )


def read(
    warehouse: Warehouse,
    model: Model,
    *,
    where: str | None = None,
    since_ms: int | None = None,
    policy: Policy = Policy(),
) -> Sample:
    """All answers of a warehouse with what is needed to predict them.

    Args:
        warehouse: filled by a replay or a worker.
        model: the one that it was filled with.
        where: SQL on the columns of the view ``events``: the answers to predict.
        since_ms: predict no earlier answers.
        policy: the one that the warehouse was filled with.

    Raises:
        NoAnswersError: there are none, or ``where`` and ``since_ms`` leave none.
        OtherModelError: the warehouse was filled with another model.
    """
    base = gather(warehouse, where=where, policy=policy)
    if base.version != model.version:
        raise OtherModelError(
            f"{warehouse.url} was filled with the model {base.version}, not with {model.version}",
            action="Give that model's file with PERCEPTION_MODEL__FILE or --model.",
        )
    return under(base, model, since_ms)


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True)) or [()] * width


def under(base: Base, model: Model, since_ms: int | None = None) -> Sample:
    """The answers as ``model`` sees them. Raises :class:`NoAnswersError` if there are none."""
    if not len(base):
        raise NoAnswersError(
            f"{base.url} holds no answers: there is nothing to compare predictions with",
            action="Take in events of type answer, with scale and value.",
        )
    columns, told, coded = base.columns, base.told, base.coded
    value, low, high = (np.array(columns[index], dtype=np.float64) for index in (5, 6, 7))
    scale = np.array(columns[4], dtype=object)
    levels = rating_levels(low, high, model.answers)
    category = np.clip(np.floor((value - low) / (high - low) * (levels - 1) + 0.5), 0, levels - 1).astype(np.int64)
    at_ms, interaction = coded.at_ms, coded.interaction
    weight = np.array([model.scales[name].weights for name in columns[4]])
    points = _points(scale, levels, category, model)
    own = model.version == base.version and model.predictor is None
    implied = _implied(told, interaction, weight, points) if own else implied_by(base, model)
    sample = Sample(
        customer=coded.customer,
        names=coded.names,
        segment=coded.segment,
        segments=coded.segments,
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
        owner=np.array([coded.code.get(name, -1) for name in told[0]], dtype=np.int64),
        implied_weight=implied[0],
        implied_sum=implied[1],
        predicted=predicted(base, model),
    )
    if not sample.wanted.any():
        raise NoAnswersError("no answer is left to predict", action="Widen --where or --since.")
    return sample


def _points(scale: NDArray[np.object_], levels: Index, category: Index, model: Model) -> Floats:
    points = np.empty(len(scale))
    for name, count in set(zip(scale.tolist(), levels.tolist(), strict=True)):
        rows = (scale == name) & (levels == count)
        points[rows] = level_scores(count, model.answers, *model.scales[name].known(count))[category[rows]]
    return points


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
