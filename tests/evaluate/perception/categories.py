"""What the categories of a scale keep of a reading: a normal score is the mean of all readings in its category."""

from __future__ import annotations

import numpy as np

from pipeline.answers import fitted_shares, level_scores
from pipeline.model import Model
from tests.evaluate.perception.scene import Floats


def kept(scale: str, model: Model) -> float:
    """Share of the variance of a reading that its normal score keeps."""
    known = model.scales[scale]
    levels = known.levels or 5  # the simulator's ratings
    own = (known.shares, known.counts) if known.levels else ()
    shares = fitted_shares(levels, model.answers, *own)
    points = level_scores(levels, model.answers, *own)
    center = float(shares @ points)
    return float(shares @ (points - center) ** 2) / model.answers.spread**2


def kept_of(weight: Floats, model: Model) -> Floats:
    """The same for answers by the weights of their scale, shape (n,)."""
    found = np.ones(len(weight))
    for name, scale in model.scales.items():
        found[(weight == scale.weights).all(axis=1)] = kept(name, model)
    return found
