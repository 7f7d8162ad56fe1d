"""The warehouse: ClickHouse tables behind one small protocol, on a server or embedded (chDB)."""

from jobs.warehouse.opening import open_warehouse
from jobs.warehouse.protocol import Result, Warehouse

__all__ = ["Result", "Warehouse", "open_warehouse"]
