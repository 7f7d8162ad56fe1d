"""From the warehouse to explanations: the views' sums per interaction, decayed to the moment asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from jobs.errors import WrongUseError
from jobs.explain import questions
from jobs.explain.explained import Explained, Interaction, Part, Person
from jobs.explain.words import words
from jobs.models.used import used_model
from jobs.warehouse.protocol import Warehouse
from jobs.warehouse.sql import Plain
from pipeline import scores
from pipeline.model import Horizon, Model
from schemas.tables import DIMENSIONS

_SEEN: Final = ("started_at", "ended_at", "channel", "type", "touchpoint", "what", "events")

Row = Mapping[str, Any]


class UnknownCustomerError(WrongUseError):
    """The warehouse has no such customer."""


def newest(store: Warehouse) -> datetime:
    """The moment of the newest evidence, which is that of ``perception_index``."""
    found: datetime = store.query(questions.NEWEST).value()
    return found


def explain(
    store: Warehouse, customers: Sequence[str], at: datetime, model_in_use: Model | None = None
) -> list[Person]:
    """Every score of ``customers`` at ``at``, from the interactions known now that had ended by then.

    ``model_in_use`` is the model that filled the warehouse, where it is known: it names the features that it found.

    From the newest evidence on, these are the scores of ``customer_perception_at``; at an earlier moment those of
    ``customer_perception_history``.

    Raises:
        UnknownCustomerError: the warehouse has no such customer.
    """
    model = used_model(store)
    asked: dict[str, Plain] = {"customers": list(customers), "at": at}
    segments: dict[str, str] = dict(store.query(questions.SEGMENTS, asked).rows)
    if missing := [name for name in customers if name not in segments]:
        raise UnknownCustomerError(
            f"{store.url} has no customer {missing[0]!r}",
            action="Customers are case-sensitive: `perception query 'SELECT customer_id FROM customers LIMIT 9'`.",
        )
    rows: dict[str, list[Row]] = {name: [] for name in customers}
    for row in store.query(questions.INTERACTIONS, asked).dicts():
        rows[row["customer_id"]].append(row)
    known = model_in_use is not None and model_in_use.version == model.version
    found = {name: words(store, name, model_in_use) if known and model_in_use else {} for name in customers}
    told = {name: [_told(row, found[name]) for row in rows[name]] for name in customers}
    return [_person(name, segments[name], told[name], at, model) for name in customers]


def _told(row: Row, found: Mapping[str, str]) -> Row:
    """The row with what the predictor found."""
    text = found.get(row["interaction_key"])
    return row if text is None else {**row, "what": ", ".join(filter(None, (row["what"], text)))}


def events_of(store: Warehouse, customer: str) -> dict[str, list[dict[str, Any]]]:
    """The events of each interaction of a customer, by the interaction's key, in order of time."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in store.query(questions.EVENTS, {"customers": [customer]}).dicts():
        found.setdefault(row.pop("interaction_key"), []).append(row)
    return found


def _person(name: str, segment: str, rows: Sequence[Row], at: datetime, model: Model) -> Person:
    seen = [Interaction(row["interaction_key"], *(row[field] for field in _SEEN)) for row in rows]
    prior = np.array(model.prior_of(segment))
    spread = np.zeros(3)
    explained: list[Explained] = []
    for label, horizon in (("relationship", model.relationship), ("journey", model.journey)):
        weight, total = _decayed(rows, label, horizon, at)
        center = scores.mean(weight.sum(axis=0), total.sum(axis=0), prior, horizon)
        spread = scores.variance(weight.sum(axis=0), spread, horizon)
        explained += _taken_apart(label, horizon, seen, (weight, total), (prior, center, spread), model)
        prior = center
    explained += _latest(rows, seen, segment, (prior, spread), model)
    return Person(name, segment, at, model.version, explained)


def _latest(
    rows: Sequence[Row],
    seen: Sequence[Interaction],
    segment: str,
    journey: tuple[scores.Floats, scores.Floats],
    model: Model,
) -> list[Explained]:
    """The score of the latest interaction: undecayed evidence on the journey's mean, which has it in it already.

    Where a model predicts what happenings cause, that is a part of what the interaction contributes.
    """
    prior, spread = journey
    last = max(
        range(len(rows)),
        key=lambda place: (rows[place]["ended_at"], seen[place].started_at, seen[place].key),
        default=-1,
    )
    chosen = [] if last < 0 else [rows[last]]
    weight, total = (
        np.array([[row[f"interaction_{name}_{part}"] for name in DIMENSIONS] for row in chosen]).reshape(-1, 3)
        for part in ("weight", "sum")
    )
    own = weight.sum(axis=0), total.sum(axis=0)
    shift = np.zeros(3)
    if chosen:
        alone = scores.mean(*own, model.prior_of(chosen[0]["own_segment"]), model.interaction)
        shift = np.array([chosen[0][f"{name}_score"] for name in DIMENSIONS]) - alone
    center = scores.mean(*own, prior, model.interaction) + shift
    moments = prior, center, scores.variance(own[0], spread, model.interaction)
    told = [] if last < 0 else [seen[last]]
    return _taken_apart("interaction", model.interaction, told, (weight, total), moments, model, shift)


def _decayed(rows: Sequence[Row], label: str, horizon: Horizon, at: datetime) -> tuple[scores.Floats, scores.Floats]:
    """W and S of every interaction at ``at``, shape (interactions, 3) each."""
    age_ms = np.array([_milliseconds(at) - _milliseconds(row["ended_at"]) for row in rows], dtype=np.float64)
    decay = np.exp2(-age_ms / horizon.half_life_ms).reshape(-1, 1)
    weight, total = (
        decay * np.array([[row[f"{label}_{name}_{part}"] for name in DIMENSIONS] for row in rows]).reshape(-1, 3)
        for part in ("weight", "sum")
    )
    return weight, total


def _taken_apart(
    label: str,
    horizon: Horizon,
    seen: Sequence[Interaction],
    sums: tuple[scores.Floats, scores.Floats],
    moments: tuple[scores.Floats, scores.Floats, scores.Floats],
    model: Model,
    caused: scores.Floats | float = 0.0,
) -> list[Explained]:
    """contribution = δ·(S - W·m_prior)/(n + W) per interaction (PERCEPTION.md, Why), then the rules of reporting."""
    weight, total = sums
    prior, center, spread = moments
    points = (total - weight * prior) / (horizon.prior_weight + weight.sum(axis=0)) + caused
    shown, within = scores.shown(center, spread, model), scores.clip(center)
    sure = scores.confidence(weight.sum(axis=0), horizon)
    return [
        Explained(
            horizon=label,
            dimension=name,
            prior=float(prior[place]),
            parts=_parts(seen, points[:, place], weight[:, place]),
            mean=float(center[place]),
            clipped=float(within[place] - center[place]),
            pyramid=float(shown.mean[place] - within[place]),
            score=float(shown.mean[place]),
            low=float(shown.low[place]),
            high=float(shown.high[place]),
            confidence=float(sure[place]),
        )
        for place, name in enumerate(DIMENSIONS)
    ]


def _parts(seen: Sequence[Interaction], points: scores.Floats, weight: scores.Floats) -> list[Part]:
    order = sorted(range(len(seen)), key=lambda place: (-abs(points[place]), seen[place].started_at, seen[place].key))
    return [Part(seen[place], float(points[place]), float(weight[place])) for place in order]


def _milliseconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1_000)
