"""Faults of worker processes: killed, joining, leaving, frozen, hung."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from functools import partial

from tests.faults.case import fault
from tests.faults.contenders import SESSION_TIMEOUT_S
from tests.faults.rig import Rig
from tests.stream.support import eventually

RECOVERING = "Executing _on_partitions_assigned"
"""What a worker of either kind says when it is given partitions and begins to restore them."""
DEADLINE_S = 20.0
VISITS = 10


@fault(control_fails=True)
def killed(rig: Rig) -> None:
    """SIGKILL in mid-run"""
    victim, _ = rig.workers(2)
    rig.load.at(0.3)
    rig.strike()
    victim.send(signal.SIGKILL)
    rig.load.at(0.7)
    rig.worker()


@fault()
def killed_alone(rig: Rig) -> None:
    """SIGKILL of the only worker, restarted, three times"""
    (victim,) = rig.workers(1)
    for share in (0.2, 0.45, 0.7):
        rig.load.at(share)
        rig.strike()
        victim.send(signal.SIGKILL)
        victim = rig.worker()


@fault(control_fails=True)
def joined(rig: Rig) -> None:
    """join under load, twice, and one leaves"""
    first, *_ = rig.workers(1)
    for share in (0.2, 0.5):
        rig.load.at(share)
        rig.strike()
        rig.worker()
    rig.load.at(0.8)
    first.send(signal.SIGTERM)


@fault(per_second=100)
def joined_ten_times(rig: Rig) -> None:
    """a worker joins and leaves ten times"""
    rig.workers(1)
    for visit in range(VISITS):
        rig.load.at(visit / VISITS)
        guest = rig.worker()
        guest.wait_ready()
        eventually(partial(guest.says, RECOVERING), "it is given partitions")
        rig.strike()
        guest.send(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            guest.ended(DEADLINE_S)
        guest.end()


@fault()
def join_killed(rig: Rig) -> None:
    """join + SIGKILL during recovery"""
    rig.workers(1)
    for share in (0.2, 0.5):
        rig.load.at(share)
        guest = rig.worker()
        eventually(partial(guest.says, RECOVERING), "it recovers")
        rig.strike()
        guest.send(signal.SIGKILL)


@fault(control_fails=True)
def frozen(rig: Rig) -> None:
    """frozen beyond the session timeout, then continued"""
    victim, _ = rig.workers(2)
    rig.load.at(0.3)
    rig.strike()
    victim.send(signal.SIGSTOP)
    rig.wait(SESSION_TIMEOUT_S + 4)
    victim.send(signal.SIGCONT)


@fault(control_fails=True)
def frozen_alone(rig: Rig) -> None:
    """frozen while another joins, then continued"""
    (victim,) = rig.workers(1)
    rig.load.at(0.3)
    rig.strike()
    victim.send(signal.SIGSTOP)
    rig.worker()
    rig.wait(SESSION_TIMEOUT_S + 4)
    victim.send(signal.SIGCONT)


@fault()
def hung_handler(rig: Rig) -> None:
    """SIGTERM with a hung handler"""
    victim, _ = rig.workers(2, "stuck")
    rig.load.at(0.3)
    rig.switch.touch()
    rig.wait(2)
    rig.strike()
    victim.send(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        victim.ended(DEADLINE_S)
    victim.end()
    rig.switch.unlink()
    rig.worker()


CASES = (killed, killed_alone, joined, joined_ten_times, join_killed, frozen, frozen_alone, hung_handler)
