"""The faults, one function each: it starts the workers and the load, and breaks something in the middle of it."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from functools import partial

from tests.faults.contenders import SESSION_TIMEOUT_S
from tests.faults.rig import Fault, Rig
from tests.stream.support import eventually

RECOVERING = "Executing _on_partitions_assigned"
"""What a worker of either kind says when it is given partitions and begins to restore them."""
DEADLINE_S = 20.0


def killed(rig: Rig) -> None:
    """SIGKILL in mid-run"""
    victim, _ = rig.workers(2)
    rig.load.at(0.3)
    rig.strike()
    victim.send(signal.SIGKILL)
    rig.load.at(0.7)
    rig.worker()


def killed_alone(rig: Rig) -> None:
    """SIGKILL of the only worker, restarted, three times"""
    (victim,) = rig.workers(1)
    for share in (0.2, 0.45, 0.7):
        rig.load.at(share)
        rig.strike()
        victim.send(signal.SIGKILL)
        victim = rig.worker()


def joined(rig: Rig) -> None:
    """join under load, twice, and one leaves"""
    first, *_ = rig.workers(1)
    for share in (0.2, 0.5):
        rig.load.at(share)
        rig.strike()
        rig.worker()
    rig.load.at(0.8)
    first.send(signal.SIGTERM)


def join_killed(rig: Rig) -> None:
    """join + SIGKILL during recovery"""
    rig.workers(1)
    for share in (0.2, 0.5):
        rig.load.at(share)
        guest = rig.worker()
        eventually(partial(guest.says, RECOVERING), "it recovers")
        rig.strike()
        guest.send(signal.SIGKILL)


def frozen(rig: Rig) -> None:
    """frozen beyond the session timeout, then continued"""
    victim, _ = rig.workers(2)
    rig.load.at(0.3)
    rig.strike()
    victim.send(signal.SIGSTOP)
    time.sleep(SESSION_TIMEOUT_S + 4)
    victim.send(signal.SIGCONT)


def frozen_alone(rig: Rig) -> None:
    """frozen while another joins, then continued"""
    (victim,) = rig.workers(1)
    rig.load.at(0.3)
    rig.strike()
    victim.send(signal.SIGSTOP)
    rig.worker()
    time.sleep(SESSION_TIMEOUT_S + 4)
    victim.send(signal.SIGCONT)


def broker_killed(rig: Rig) -> None:
    """broker killed, back after 5 s"""
    rig.workers(2)
    rig.load.at(0.5)
    rig.strike()
    rig.kafka.broker.kill()
    rig.load.pause()
    time.sleep(4)
    rig.kafka.broker.start()
    rig.load.resume()


def slow_changelog(rig: Rig) -> None:
    """changelog slow (3 s a request), then SIGKILL"""
    victim, _ = rig.workers(2)
    rig.load.at(0.3)
    rig.kafka.proxy.delay_s = 3.0
    rig.strike()
    rig.kafka.proxy.mode = "delay"
    time.sleep(6)
    victim.send(signal.SIGKILL)
    rig.kafka.proxy.mode = "open"
    rig.worker()


def connections_cut(rig: Rig) -> None:
    """broker's connections cut for 3 s"""
    rig.workers(2)
    rig.load.at(0.3)
    rig.strike()
    rig.kafka.proxy.cut()
    time.sleep(3)
    rig.kafka.proxy.mode = "open"


def half_open(rig: Rig) -> None:
    """broker's connections half-open for 10 s"""
    rig.workers(2)
    rig.load.at(0.3)
    rig.strike()
    rig.kafka.proxy.mode = "half-open"
    time.sleep(SESSION_TIMEOUT_S + 4)
    rig.kafka.proxy.mode = "open"


def warehouse_down(rig: Rig) -> None:
    """warehouse down for 10 s"""
    rig.workers(2, "down")
    rig.load.at(0.3)
    rig.broken_for(10)


def warehouse_down_killed(rig: Rig) -> None:
    """warehouse down, and the worker SIGKILLed meanwhile"""
    victim, _ = rig.workers(2, "down")
    rig.load.at(0.3)
    rig.switch.touch()
    time.sleep(4)
    rig.strike()
    victim.send(signal.SIGKILL)
    rig.switch.unlink()
    rig.worker()


def warehouse_half(rig: Rig) -> None:
    """warehouse killed in mid-insert, back after 5 s"""
    rig.workers(2, "half")
    rig.load.at(0.3)
    rig.broken_for(5)


def reply_swallowed(rig: Rig) -> None:
    """warehouse's reply swallowed for 5 s"""
    rig.workers(2, "swallow")
    rig.load.at(0.3)
    rig.broken_for(5)


def hung_handler(rig: Rig) -> None:
    """SIGTERM with a hung handler"""
    victim, _ = rig.workers(2, "stuck")
    rig.load.at(0.3)
    rig.switch.touch()
    time.sleep(2)
    rig.strike()
    victim.send(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        victim.ended(DEADLINE_S)
    victim.end()
    rig.switch.unlink()
    rig.worker()


FAULTS: tuple[Fault, ...] = (
    killed,
    killed_alone,
    joined,
    join_killed,
    frozen,
    frozen_alone,
    broker_killed,
    connections_cut,
    half_open,
    slow_changelog,
    warehouse_down,
    warehouse_down_killed,
    warehouse_half,
    reply_swallowed,
    hung_handler,
)


def title(fault: Fault) -> str:
    """What the table calls it."""
    return (fault.__doc__ or "").strip()
