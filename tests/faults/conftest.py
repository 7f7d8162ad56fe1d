from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stream.support import Bench


@pytest.fixture
def bench(kafka: Any, tmp_path: Path) -> Iterator[Bench]:
    """An application of the test's own on the shared broker."""
    bench = Bench(kafka.bootstrap, f"f{uuid.uuid4().hex[:10]}", tmp_path)
    yield bench
    bench.close()
