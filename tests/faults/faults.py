"""All faults of the matrix, in the order of its table."""

from __future__ import annotations

from tests.faults import brokers, crashes, inputs, states, warehouses, workers
from tests.faults.case import Case

FAULTS: tuple[Case, ...] = (
    *workers.CASES,
    *crashes.CASES,
    *brokers.CASES,
    *states.CASES,
    *warehouses.CASES,
    *inputs.CASES,
)
