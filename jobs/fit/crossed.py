"""Evaluation of the fit itself: every fold of customers is predicted by a model that never saw their answers."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

import numpy as np

from jobs.evaluate.baselines import folds_of
from jobs.evaluate.evaluation import Evaluation, judge, summary
from jobs.evaluate.reading import under
from jobs.fit.fitting import fit
from jobs.fit.reading import Seen
from pipeline.model import Model


def crossed(
    seen: Seen, start: Model, folds: int, *, since_ms: int | None = None, without: AbstractSet[str] = frozenset()
) -> Evaluation:
    """Fit ``start`` on all folds but one and judge that one, for each.

    Answers that ``seen.base`` does not want, and those from before ``since_ms``, are evidence only.

    Raises:
        NoAnswersError: there is nothing to predict.
    """
    assert seen.base is not None
    fold = folds_of(under(seen.base, start, since_ms), folds)
    assert fold is not None
    judged = []
    for number in np.unique(fold).tolist():
        model = fit(seen.only(fold != number), start, "fold", without).model
        sample = under(seen.base, model, since_ms)
        wanted = sample.wanted & (fold == number)
        if wanted.any():
            judged.append(judge(replace(sample, wanted=wanted), model, fold))
    return summary(judged)
