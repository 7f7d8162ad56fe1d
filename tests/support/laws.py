"""How many examples Hypothesis tries: few and the same ones in every run, many new ones by night.

By night: ``make test PYTEST_ARGS="--hypothesis-profile nightly"``.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

USUAL, NIGHTLY = "perception", "nightly"
MORE = 20
"""Times as many by night."""


def register() -> None:
    """Make both profiles known and load the usual one; pytest's own option loads another one before it collects."""
    # A shared machine is slow at times: time limits say nothing about the code. The same examples on every run.
    usual = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
    settings.register_profile(USUAL, usual)
    settings.register_profile(NIGHTLY, usual, derandomize=False, max_examples=MORE * usual.max_examples)
    settings.load_profile(USUAL)


def tries(few: int) -> int:
    """``few``, or many times as many in the nightly profile."""
    return few * (MORE if settings.get_current_profile_name() == NIGHTLY else 1)
