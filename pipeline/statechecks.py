"""Whether stored state is what this version can have written."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.event import CASE_STATUSES, EVENT_TYPES

Records = NDArray[Any]


class StateError(ValueError):
    """A stored value that this version cannot read.

    Operator action: run the version that wrote it, or rebuild the state from the input log.
    """


def check_codes(pieces: Records) -> None:
    """Codes of fixed lists are in the lists. Raises :class:`StateError`."""
    kinds, statuses = pieces["type"], pieces["status"]
    if len(pieces) and not (
        kinds.min() >= 0
        and kinds.max() < len(EVENT_TYPES)
        and statuses.min() >= -1
        and statuses.max() < len(CASE_STATUSES)
    ):
        raise StateError("customer state has an unknown type or status")


def check_within(indices: NDArray[np.integer[Any]], counts: NDArray[np.int64], what: str) -> None:
    """Indices point into their own customer's part. Raises :class:`StateError`."""
    if len(indices) and (indices.min() < 0 or np.any(indices >= counts)):
        raise StateError(f"customer state points to {what} that it does not have")
