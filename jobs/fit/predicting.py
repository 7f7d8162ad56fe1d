"""The predictor of a fit: which features there are, what each is worth, and how much they explain together."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from jobs.evaluate.reading import Base
from jobs.fit.design import LEAST, Block, blocks
from jobs.fit.ridge import Ridge, ridge
from pipeline.batch import Texts
from pipeline.model import Model
from pipeline.predictor import SYMPTOM, Column, Feature, Predictor, Triple

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

FOLDS: Final = 5
MOST_EXPLAINED: Final = 0.9
"""R² of a predictor is at most this (PERCEPTION.md)."""
LEAST_EXPLAINED: Final = 0.005
"""Share of the answers' variance below which a predictor is not worth its name."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What a feature explains of answers that the fit did not see, as a share of their variance."""

    source: str
    form: str
    explained: float
    error: float
    """Standard error over the folds."""


@dataclass(frozen=True, slots=True)
class Found:
    """A predictor and how good it is."""

    predictor: Predictor
    explained: Floats
    """R² of answers left out, per dimension."""
    error: Floats
    penalty: Floats
    worth: tuple[Worth, ...]
    """Most first."""
    optimism: float
    """By how much squared errors are too small on answers that the fit has seen (≥ 1)."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was known just before each answer, shape (n,)."""

    columns: Mapping[str, Column]
    acted: NDArray[np.bool_]
    """Whether anything had happened in its journey."""
    types: Mapping[str, tuple[str, ...]]
    """Event types that bring a feature."""

    def take(self, rows: Index) -> Told:
        """The same of some answers."""
        columns = {
            name: Texts(one.codes[rows], one.dictionary) if isinstance(one, Texts) else one[rows]
            for name, one in self.columns.items()
        }
        return Told(columns, self.acted[rows], self.types)

    def without(self, sources: AbstractSet[str]) -> Told:
        """Without some features."""
        return Told({name: one for name, one in self.columns.items() if name not in sources}, self.acted, self.types)


def told_of(base: Base) -> Told:
    """What is known of each answer's journey up to the answer."""
    journal, coded = base.journal, base.coded
    position = journal.before(coded.journey, coded.person, coded.at_ms)
    types = {name: track.types for name, track in journal.tracks.items()}
    return Told(journal.columns(position), position >= 0, types)


def folds_of(names: NDArray[np.object_], folds: int = FOLDS) -> Index:
    """Fold of each row by its customer's id: the same on every machine."""
    return np.array([crc32(f"fold/{name}".encode()) % folds for name in names.tolist()], dtype=np.int64)


def find(told: Told, customer: NDArray[np.object_], y: Floats, weights: Floats, model: Model) -> Found | None:
    """Fit answers ``y`` (n,), points above their prior, with weights a_d (n, 3). None if nothing is explained."""
    rows = np.flatnonzero(told.acted)
    if len(rows) < LEAST:
        return None
    told, customer, y, weights = told.take(rows), customer[rows], y[rows], weights[rows]
    fold = folds_of(customer)
    mean_weight = weights.mean(axis=1)
    made = list(blocks(told.columns, told.acted, y, mean_weight / mean_weight.max(), fold))
    if not made:
        return None
    x = np.column_stack([block.columns for block in made])
    fits = _by_dimension(x, y, weights, fold)
    explained = np.array([one.explained if one else 0.0 for one in fits])
    if explained.max() < LEAST_EXPLAINED:
        return None
    perceived = 1.0 - _noise(model)
    share, worth = _worth(made, fits, y, fold)
    features = _features(made, fits, share, told)
    told_share = np.clip(explained / perceived, 0.0, MOST_EXPLAINED)
    predictor = Predictor(SYMPTOM, _triple(told_share), features)
    error, penalty = (
        np.array([getattr(one, name) if one else np.nan for one in fits]) for name in ("error", "penalty")
    )
    best = max((one for one in fits if one), key=lambda one: one.explained)
    seen = (x - best.means) @ best.coefficients
    left = float(np.mean((y - y.mean() - seen) ** 2)) / float(np.var(y))
    return Found(predictor, explained, error, penalty, worth, max((1.0 - best.explained) / left, 1.0))


def _noise(model: Model) -> float:
    """Share of the variance of answers that is not perception: .36 with the start values."""
    noise = model.answer_variance - model.interaction.prior_variance
    return noise / (noise + model.perception_variance)


def _by_dimension(x: Floats, y: Floats, weights: Floats, fold: Index) -> list[Ridge | None]:
    """One regression per dimension; dimensions that answers weigh on alike share theirs."""
    found: list[Ridge | None] = []
    known: dict[bytes, Ridge] = {}
    for own in weights.T:
        if int((own > 0).sum()) < LEAST:
            found.append(None)
            continue
        scaled = own / own.max()
        key = scaled.tobytes()
        if key not in known:
            known[key] = ridge(x, y, scaled, fold)
        found.append(known[key])
    return found


def _slices(made: list[Block]) -> list[slice]:
    ends = np.cumsum([block.columns.shape[1] for block in made]).tolist()
    return [slice(end - block.columns.shape[1], end) for block, end in zip(made, ends, strict=True)]


def _worth(made: list[Block], fits: list[Ridge | None], y: Floats, fold: Index) -> tuple[Floats, tuple[Worth, ...]]:
    """Share of each feature in the explained, shape (k, 3), and its worth: cov(b_k, y)/var(y) on answers left out."""
    share = np.zeros((len(made), 3))
    told: list[Worth] = []
    best = max((one for one in fits if one), key=lambda one: one.explained)
    for place, (block, part) in enumerate(zip(made, _slices(made), strict=True)):
        for dimension, one in enumerate(fits):
            if one is not None:
                share[place, dimension] = max(_covered(one.effects[:, part].sum(axis=1), y), 0.0)
        effect = best.effects[:, part].sum(axis=1)
        by_fold = np.array([_covered(effect[fold == number], y[fold == number]) for number in np.unique(fold)])
        spread = float(by_fold.std(ddof=1) / len(by_fold) ** 0.5) if len(by_fold) > 1 else float("nan")
        told.append(Worth(block.source, _form(block), _covered(effect, y), spread))
    total = share.sum(axis=0)
    share = np.divide(share, total, out=np.zeros_like(share), where=total > 0)
    return share, tuple(sorted(told, key=lambda one: (-one.explained, one.source)))


def _covered(effect: Floats, y: Floats) -> float:
    spread = float(((y - y.mean()) ** 2).sum())
    return float((effect - effect.mean()) @ (y - y.mean())) / spread if spread > 0 else 0.0


def _form(block: Block) -> str:
    if not isinstance(block.form, tuple):
        return "log" if block.form.logarithm else "linear"
    kind = "bins" if block.form and isinstance(block.form[0], float) else "levels"
    return f"{len(block.form) + (kind == 'bins')} {kind}"


def _features(made: list[Block], fits: list[Ridge | None], share: Floats, told: Told) -> dict[str, Feature]:
    features = {}
    for place, (block, part) in enumerate(zip(made, _slices(made), strict=True)):
        nothing = np.zeros(block.columns.shape[1])
        effects = np.column_stack([one.coefficients[part] if one else nothing for one in fits])
        means = next(one.means[part] for one in fits if one)
        types = told.types.get(block.source, ())
        features[block.source] = block.feature(effects, means, _triple(share[place]), types)
    return features


def _triple(values: Floats) -> Triple:
    first, second, third = (float(value) for value in values)
    return first, second, third
