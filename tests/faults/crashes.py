"""Crashes at every step of a flush; the events after it are late and give interactions other identities.

The successor flushes in other batches than the dead one, so that nothing is right by repetition alone.
"""

from __future__ import annotations

from tests.faults.case import fault
from tests.faults.rig import Rig

PASSAGE = {"ours": 9, "stock": 150}
"""Which time a point is passed is the last: of flushes, and of a stock agent's events."""
OTHER_BATCHES = {"PERCEPTION_WORKER__FLUSH_RECORDS": "130", "PERCEPTION_WORKER__FLUSH_INTERVAL_S": "0.13"}
DEATH_S = 60.0


def _crash(rig: Rig, point: str, passage: int | None = None) -> None:
    passage = passage or PASSAGE["ours" if rig.ours else "stock"]
    (victim,) = rig.workers(1, PERCEPTION_CRASH_AT=f"{point}:{passage}")
    code = victim.ended(DEATH_S)
    assert code < 0, f"exit code {code}: not killed at {point}"
    rig.strike()
    rig.worker(**OTHER_BATCHES)


@fault(subject="tables")
def crash_before_changelog(rig: Rig) -> None:
    """crash before the changelog"""
    _crash(rig, "before-changelog")


@fault(subject="tables")
def crash_after_changelog(rig: Rig) -> None:
    """crash between changelog and rows"""
    _crash(rig, "after-changelog")


@fault(subject="tables")
def crash_amid_rows(rig: Rig) -> None:
    """crash in mid-rows"""
    _crash(rig, "amid-rows", 60 if rig.ours else None)


@fault(subject="tables")
def crash_after_rows(rig: Rig) -> None:
    """crash between rows and offset"""
    _crash(rig, "after-rows")


@fault(subject="tables")
def crash_after_offset(rig: Rig) -> None:
    """crash after the offset"""
    _crash(rig, "after-offset")


@fault(subject="tables")
def crash_in_takeover(rig: Rig) -> None:
    """crash between changelog and rows, and another in the takeover"""
    passage = PASSAGE["ours" if rig.ours else "stock"]
    (victim,) = rig.workers(1, PERCEPTION_CRASH_AT=f"after-changelog:{passage}")
    assert victim.ended(DEATH_S) < 0
    rig.strike()
    heir = rig.worker(PERCEPTION_CRASH_AT="amid-takeover:1" if rig.ours else "after-changelog:2")
    assert heir.ended(DEATH_S) < 0, "it wrote its predecessor's rows again"
    rig.worker(**OTHER_BATCHES)


CASES = (
    crash_before_changelog,
    crash_after_changelog,
    crash_amid_rows,
    crash_after_rows,
    crash_after_offset,
    crash_in_takeover,
)
