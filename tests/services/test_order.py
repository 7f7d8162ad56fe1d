"""Files that take long go first, whole and with their tests in order."""

from __future__ import annotations

import pytest

from tests.services.order import longest_first

pytest_plugins = ["pytester"]
CORE = "def test_sum(): pass\ndef test_product(): pass\n"
SERVED = "import pytest\n@pytest.fixture\ndef kafka(): pass\ndef test_round(kafka): pass\ndef test_name(): pass\n"
SLOW = "import pytest\n@pytest.mark.slow\ndef test_all(): pass\n"


def test_what_takes_long_goes_first(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nmarkers =\n    slow: takes long")
    pytester.makepyfile(test_core=CORE, test_served=SERVED, test_slow=SLOW)
    items, _ = pytester.inline_genitems()
    names = [item.name for item in longest_first(items)]
    assert names == ["test_all", "test_round", "test_name", "test_sum", "test_product"]
