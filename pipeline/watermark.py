"""Watermark of a source partition: decided record by record, so that batch boundaries cannot show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def running(
    offsets: NDArray[np.int64], occurred_ms: NDArray[np.int64], append_ms: NDArray[np.int64], start_ms: int
) -> NDArray[np.int64]:
    """Watermark after each record: running maximum of min(occurred, appended), not below ``start_ms``.

    ``offsets`` must be ascending; a producer's clock that runs ahead is bounded by the broker's.
    """
    if len(offsets) and np.any(offsets[1:] <= offsets[:-1]):
        raise ValueError("offsets must be strictly ascending")
    return np.maximum(np.maximum.accumulate(np.minimum(occurred_ms, append_ms)), start_ms)


def late(occurred_ms: NDArray[np.int64], watermark_ms: NDArray[np.int64], lateness_ms: int) -> NDArray[np.bool_]:
    """Which records occurred more than the lateness before the watermark at their own place in the log."""
    return occurred_ms < watermark_ms - lateness_ms
