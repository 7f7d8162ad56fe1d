"""Peak and end: how enjoyable an interaction was is remembered by its extreme and by how it ended.

Each of the M things that happened in an interaction has the weight g = ½ + M/4·([it is the extreme] + [it is the last])
on its shift b, for ``enjoyable`` only (PERCEPTION.md, Fold; Kahneman et al., Psychological Science 1993). The weights
of an interaction add up to M. What did not happen is no part of it, and keeps its shift.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Model
from pipeline.signals import discover

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class Seen(NamedTuple):
    """What signals say about facts, in order of (fact, signal), shape (m,) each."""

    fact: Indices
    signal: NDArray[np.int16]
    """Index into ``Model.signal_names``."""
    shift: Floats
    """b, score points."""
    happened: NDArray[np.bool_]
    """Whether it is something that happened, and not just that something did not."""


class Felt(NamedTuple):
    """Shifts g·b of ``rows`` of what was seen, for ``enjoyable``; all others keep their b."""

    rows: Indices
    shift: Floats


def peak_end(seen: Seen, last_type: NDArray[np.int8], model: Model) -> Felt:
    """Weighted shifts of interactions in which two or more things happened; ``last_type`` per fact.

    Equal extremes share the extreme's part, and so do all that are about the last event. Where nothing is about it,
    the part of the end is shared by all: nobody knows what came last.
    """
    count = np.bincount(seen.fact[seen.happened], minlength=len(last_type))
    rows = np.flatnonzero(seen.happened & (count[seen.fact] > 1))
    if not len(rows):
        return Felt(rows, np.zeros(0))
    fact, shift = seen.fact[rows], seen.shift[rows]
    size = np.abs(shift)
    extreme = np.zeros(len(last_type))
    np.maximum.at(extreme, fact, size)
    about = np.array([discover()[name].about for name in model.effect_names], np.uint32)[seen.signal[rows]]
    last = (about >> last_type[fact].astype(np.uint32)) & np.uint32(1) != 0
    parts = _shared(size == extreme[fact], fact, len(last_type)) + _shared(last, fact, len(last_type))
    return Felt(rows, (0.5 + count[fact] / 4 * parts) * shift)


def _shared(chosen: NDArray[np.bool_], fact: Indices, facts: int) -> Floats:
    """1 in equal parts among the ``chosen`` of each fact, among all of it where none is."""
    several = np.bincount(fact[chosen], minlength=facts)[fact]
    every = np.bincount(fact, minlength=facts)[fact]
    return np.where(several > 0, chosen / np.maximum(several, 1), 1.0 / every)
