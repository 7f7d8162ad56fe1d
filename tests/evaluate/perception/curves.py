"""How readings bend: thresholds and categories follow the perception, but not in a straight line.

The covariance of what two interactions of one customer show is Σ_k c_k·c'_k·r^k, where r is the correlation of their
perceptions and c_k are the Hermite coefficients of E[reading | perception] (Mehler's formula). k = 1 is the line.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist
from typing import Final

import numpy as np

from jobs.simulate.surveys import NOISE_SD
from pipeline.answers import level_edges, level_scores
from pipeline.model import Model
from pipeline.signals import Outcome
from tests.evaluate.perception.categories import kept
from tests.evaluate.perception.scene import Floats
from tests.evaluate.perception.symptoms import SYMPTOMS, VARIANCE

ORDERS: Final = range(2, 7)
"""Beyond the line; higher ones are below a hundredth of the variance."""
_NODES: Final = np.polynomial.hermite_e.hermegauss(80)
_phi = np.vectorize(NormalDist().cdf, otypes=[np.float64])


def bends(scale: str, model: Model) -> Floats:
    """c_k of every symptom in order of name, and last of an answer, points; shape (kinds, orders)."""
    curves = [_symptom(name) for name in sorted(SYMPTOMS)]
    return np.array([[_coefficient(curve, order) for order in ORDERS] for curve in (*curves, _answer(scale, model))])


def _coefficient(curve: Floats, order: int) -> float:
    """E[curve·He_k]/√k! over the standard normal."""
    nodes, weights = _NODES
    polynomial = np.polynomial.hermite_e.hermeval(nodes, [0.0] * order + [1.0])
    return float((weights * curve * polynomial).sum() / math.sqrt(2 * math.pi) / math.sqrt(math.factorial(order)))


@cache
def _symptom(name: str) -> Floats:
    """E[b/R² | standardised perception] at the nodes."""
    symptom, nodes = SYMPTOMS[name], _NODES[0]
    effect = symptom.effect
    if symptom.prevalence is None or not isinstance(effect, Outcome):
        return np.asarray(math.sqrt(VARIANCE) * nodes)
    edge, correlation = NormalDist().inv_cdf(symptom.prevalence), symptom.correlation
    chance = _phi((edge - correlation * nodes) / math.sqrt(1 - correlation**2))
    return np.asarray((effect.absent + (effect.present - effect.absent) * chance) / symptom.explained)


def _answer(scale: str, model: Model) -> Floats:
    """E[stretched answer | standardised perception] at the nodes, from the middle of the scale on."""
    known, rule = model.scales[scale], model.answers
    own = (known.shares, known.counts)
    edges = (level_edges(known.levels, rule, *own)[1:-1] - rule.center)[np.newaxis, :]
    below = _phi((edges - math.sqrt(VARIANCE) * _NODES[0][:, np.newaxis]) / NOISE_SD)
    ends = np.zeros((len(below), 1))
    mass = np.diff(np.hstack((ends, below, ends + 1)), axis=1)
    return np.asarray(mass @ (level_scores(known.levels, rule, *own) - rule.center) / kept(scale, model))
