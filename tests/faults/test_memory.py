"""What fills memory, on a real worker: the worst of it here, all of it by ``python -m tests.faults.memory``."""

from __future__ import annotations

import json

import pytest

from tests.decode.support import decoded
from tests.faults import hostile, memory
from tests.services.decide import Kafka


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_batches_that_expand_are_rejected_in_little_memory(kafka: Kafka) -> None:
    row = memory.run(memory.bombs, kafka.bootstrap, 0)
    assert row.rejected == row.records == len(hostile.KINDS)
    assert row.peak_mb < memory.CAP_MB


def test_hostile_payloads_are_large_and_refused() -> None:
    values = [value for _, value in hostile.payloads(12)]
    assert min(map(len, values)) > hostile.PAYLOAD_BYTES // 2
    assert len(decoded(*values).rejected) == len(values)


def test_ordinary_events_are_taken() -> None:
    pairs = list(hostile.events(50, customers=7))
    assert len(decoded(*(value for _, value in pairs)).events) == 50
    assert {key for key, _ in pairs} == {json.loads(value)["customer_id"].encode() for _, value in pairs}


def test_every_case_has_a_title_and_the_table_shows_it() -> None:
    assert len({case.__doc__ for case in memory.CASES}) == len(memory.CASES)
    line = memory.rendered(memory.Row("many", 1_000, 2, 300.4, 5.0, "well"))
    assert line == "| many | 1,000 | 2 | 300 | 5 | well |"
