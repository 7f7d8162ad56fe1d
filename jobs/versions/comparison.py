"""The comparison: scores of all customers under both models, and the reasons of those that differ most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.versions.collected import Interaction, Scores, contributions, customers, interactions, score
from pipeline.batch import Flush
from pipeline.model import Model

Floats = NDArray[np.float64]
Run = Callable[[Model], Iterable[Flush]]
"""One run over the log with a model, from its start."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a score differs: one line of it, points under both models; shape (2, 3) each: horizon, dimension."""

    what: str
    started_ms: int | None
    """Of an interaction; None: the start of the score, or the rules of showing it."""
    before: Floats
    after: Floats


@dataclass(frozen=True, slots=True)
class Move:
    """One customer under both models; shown scores, shape (2, 3) each. Reasons add up to them."""

    customer_id: str
    before: Floats
    after: Floats
    reasons: Sequence[Reason]
    """The greatest difference first."""

    @property
    def size(self) -> float:
        """The greatest difference of a score, points."""
        return float(np.abs(self.after - self.before).max())


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models over one log."""

    versions: tuple[str, str]
    customers: int
    at_ms: int
    """Moment of the scores: that of the newest evidence."""
    mean: Floats
    """Mean difference over customers, shape (2, 3)."""
    spread: Floats
    """Mean absolute difference, shape (2, 3)."""
    moves: Sequence[Move]
    """Customers, the greatest difference first."""


def compare(run: Run, models: tuple[Model, Model], most: int) -> Comparison:
    """Score the log with both models; reasons of the ``most`` customers who move most.

    The log is run twice with each model: once for all customers, once for the interactions of those few.
    """
    known = [customers(run(model)) for model in models]
    names = sorted(known[0])
    at_ms = max((one.as_of_ms for one in known[0].values()), default=0)
    told = [
        {name: score(side[name], at_ms, model) for name in names} for side, model in zip(known, models, strict=True)
    ]
    shown = [np.array([side[name].shown for name in names]).reshape(-1, 2, 3) for side in told]
    off = shown[1] - shown[0]
    order = np.argsort(-np.abs(off).max(axis=(1, 2), initial=0.0), kind="stable").tolist()
    chosen = [names[place] for place in order[:most]]
    done = [interactions(run(model), set(chosen)) for model in models]
    moves = [
        _move(name, [side[name] for side in told], [side[name] for side in done], at_ms, models) for name in chosen
    ]
    nothing = np.zeros((2, 3))
    return Comparison(
        versions=(models[0].version, models[1].version),
        customers=len(names),
        at_ms=at_ms,
        mean=off.mean(axis=0) if names else nothing,
        spread=np.abs(off).mean(axis=0) if names else nothing,
        moves=moves,
    )


def _move(
    name: str,
    told: Sequence[Scores],
    done: Sequence[Mapping[str, Interaction]],
    at_ms: int,
    models: tuple[Model, Model],
) -> Move:
    points = [contributions(rows, one, at_ms, model) for rows, one, model in zip(done, told, models, strict=True)]
    reasons = [Reason("start of the score", None, told[0].prior, told[1].prior)]
    nothing = np.zeros((2, 3))
    for key in sorted(set(points[0]) | set(points[1])):
        one = done[0].get(key) or done[1][key]
        reasons.append(Reason(one.what, one.started_ms, *(side.get(key, nothing) for side in points)))
    reasons.append(Reason("clipped, or capped by the pyramid", None, *(one.shown - one.mean for one in told)))
    reasons.sort(key=lambda one: -float(np.abs(one.after - one.before).max()))
    return Move(name, told[0].shown, told[1].shown, reasons)
