"""A worker process of the real job; with ``CLOCK=steps`` its wall clock jumps back and forth by hours all the time."""

from __future__ import annotations

import os
import time

STEPS_H = (0, 5, -7, 26, -30, 1)
STEP_S = 2


def step_the_clock() -> None:
    """Before anything else is imported: some modules keep the functions."""
    real_ns = time.time_ns

    def wrong_ns() -> int:
        hours = STEPS_H[int(time.monotonic() / STEP_S) % len(STEPS_H)]
        return real_ns() + hours * 3_600_000_000_000

    time.time_ns = wrong_ns
    time.time = lambda: wrong_ns() / 1e9


def main() -> None:
    """Be a worker until told to stop."""
    if os.environ.get("CLOCK") == "steps":
        step_the_clock()
    from jobs.settings import load
    from jobs.worker import make_app

    app = make_app(load())
    app.finalize()
    app.conf.Worker(app, loglevel="INFO").execute_from_commandline()


if __name__ == "__main__":
    main()
