"""Faults of what is fed in: records that no program can read, and clocks that are wrong."""

from __future__ import annotations

from tests.faults.case import fault
from tests.faults.rig import Rig

ALL = "1"


@fault(poison=0.01)
def poison(rig: Rig) -> None:
    """one record in a hundred is unreadable"""
    rig.workers(2)
    rig.strike()


@fault(poison=1.0)
def poison_only(rig: Rig) -> None:
    """every record is unreadable (said, then allowed)"""
    running = rig.workers(2)
    rig.strike()
    rig.load.at(1.0)
    for worker in running:
        rig.refuses(worker, "records were rejected, more than the limit of 50%")
    rig.worker(PERCEPTION_WORKER__REJECTED_SHARE_LIMIT=ALL)


@fault(subject="tables", clock=True)
def clocks(rig: Rig) -> None:
    """a worker's clock steps by hours, a producer's is a year ahead"""
    rig.workers(2, CLOCK="steps", PERCEPTION_WORKER__TICK_INTERVAL_S="1")
    rig.load.at(0.5)
    rig.load.pause()
    rig.strike()
    rig.wait(4)
    rig.load.resume()


CASES = (poison, poison_only, clocks)
