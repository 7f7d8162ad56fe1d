from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from jobs.errors import SettingsError
from jobs.stream.crash import POINTS, VARIABLE, crash_point, nowhere


def test_there_is_none_unless_it_is_asked_for() -> None:
    assert crash_point({}) is nowhere
    for point in POINTS:
        nowhere(point)


@pytest.mark.parametrize("given", ["somewhere:1", "after-rows:often", "after-rows:-1", ":3"])
def test_a_point_that_does_not_exist_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match="names no crash point") as error:
        crash_point({VARIABLE: given})
    assert "after-rows" in error.value.action


@pytest.mark.parametrize(("given", "passed"), [("after-rows:3", 2), ("after-rows", 0)])
def test_the_process_ends_at_the_passage_of_its_point(given: str, passed: int) -> None:
    program = (
        "from jobs.stream.crash import crash_point\n"
        f"reach = crash_point({{{VARIABLE!r}: {given!r}}})\n"
        "for passage in range(9):\n"
        "    reach('before-changelog')\n"
        "    reach('after-rows')\n"
        "    print('passed', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.count("passed") == passed
