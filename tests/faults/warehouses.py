"""Faults of the warehouse: a process behind the native protocol, and the line to it."""

from __future__ import annotations

import signal

from tests.faults.case import fault
from tests.faults.rig import Rig

BEGUN = 0.2
SLOW_BYTES = 20_000
"""A second: an insert is on its way for a while."""
DISK_MB = 96


@fault(subject="tables")
def warehouse_killed(rig: Rig) -> None:
    """ClickHouse killed in mid-insert, back after 5 s"""
    rig.workers(2)
    rig.load.at(BEGUN)
    rig.warehouse.proxy.rate = SLOW_BYTES
    rig.warehouse.proxy.mode = "throttle"
    rig.wait(1)
    rig.strike()
    rig.warehouse.kill()
    rig.warehouse.proxy.mode = "open"
    rig.wait(5)
    rig.warehouse.start()


@fault(subject="tables")
def warehouse_down(rig: Rig) -> None:
    """ClickHouse down for five minutes"""
    rig.workers(2)
    rig.load.at(BEGUN)
    rig.strike()
    rig.warehouse.kill()
    rig.wait(rig.seconds(300, 5))
    rig.warehouse.start()


@fault(subject="tables")
def warehouse_down_killed(rig: Rig) -> None:
    """ClickHouse down, and a worker SIGKILLed meanwhile"""
    victim, _ = rig.workers(2)
    rig.load.at(BEGUN)
    rig.warehouse.kill()
    rig.wait(4)
    rig.strike()
    victim.send(signal.SIGKILL)
    rig.warehouse.start()
    rig.worker()


@fault(subject="tables")
def warehouse_cut(rig: Rig) -> None:
    """ClickHouse's connections cut for 3 s"""
    rig.workers(2)
    rig.load.at(BEGUN)
    rig.strike()
    rig.warehouse.proxy.cut()
    rig.wait(3)
    rig.warehouse.proxy.mode = "open"


@fault(subject="tables")
def reply_swallowed(rig: Rig) -> None:
    """ClickHouse's replies swallowed for 6 s"""
    rig.workers(2)
    rig.load.at(BEGUN)
    rig.strike()
    rig.warehouse.proxy.mode = "swallow"
    rig.wait(6)
    rig.warehouse.proxy.mode = "open"


@fault(subject="tables")
def one_byte_a_second(rig: Rig) -> None:
    """1 byte a second to ClickHouse for 10 s"""
    rig.workers(2)
    rig.load.at(BEGUN)
    rig.strike()
    rig.warehouse.proxy.mode, rig.warehouse.proxy.rate = "throttle", 1
    rig.wait(10)
    rig.warehouse.proxy.mode = "open"


@fault(subject="tables")
def read_only(rig: Rig) -> None:
    """ClickHouse's tables read-only for 8 s"""
    rig.workers(2)
    rig.load.at(BEGUN)
    rig.strike()
    _set_read_only(rig, on=True)
    rig.wait(8)
    _set_read_only(rig, on=False)


def _set_read_only(rig: Rig, *, on: bool) -> None:
    for table in rig.warehouse.tables():
        rig.warehouse.execute(f"ALTER TABLE {table} MODIFY SETTING table_readonly = {int(on)}")


@fault(subject="tables", disk_mb=DISK_MB)
def disk_full(rig: Rig) -> None:
    """ClickHouse's disk full for 8 s"""
    rig.workers(2)
    rig.load.at(BEGUN)
    rig.strike()
    filling = rig.warehouse.fill()
    rig.wait(8)
    filling.unlink()


CASES = (
    warehouse_killed,
    warehouse_down,
    warehouse_down_killed,
    warehouse_cut,
    reply_swallowed,
    one_byte_a_second,
    read_only,
    disk_full,
)
