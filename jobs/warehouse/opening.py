"""From an address to a warehouse."""

from __future__ import annotations

from jobs.warehouse.embedded import EmbeddedWarehouse
from jobs.warehouse.errors import WarehouseBusyError
from jobs.warehouse.native import NativeWarehouse
from jobs.warehouse.protocol import Warehouse
from jobs.warehouse.remote import HeldWarehouse
from jobs.warehouse.url import Address, parse, with_cluster


def open_warehouse(
    url: str,
    *,
    create: bool = True,
    read_only: bool = False,
    cluster: str | None = None,
    timeout_s: float = 60.0,
) -> Warehouse:
    """Open the warehouse at ``url``.

    Addresses are ``chdb:///path``, ``clickhouse://user:password@host:9000/database`` or
    ``clickhouses://`` for TLS; options in them are ``?cluster=…&raw_ttl_days=…`` and, with TLS, ``&cafile=…``.

    Args:
        url: the address.
        create: make the embedded store, or the server's database, if it is missing.
        read_only: refuse writes; an embedded store that another process holds is then read through it.
        cluster: create tables on this cluster, unless the address names one.
        timeout_s: longest wait for a server's answer.

    Raises:
        WarehouseUrlError: the address cannot be understood.
        WarehouseBusyError: another process holds the embedded store.
        WarehouseTerminalError: there is no store (``create`` false), or it cannot be used.
    """
    address = with_cluster(parse(url), cluster)
    if address.path is None:
        return NativeWarehouse(address, create=create, read_only=read_only, timeout_s=timeout_s)
    if not read_only:
        return EmbeddedWarehouse(address, create=create)
    return _open_for_reading(address)


def _open_for_reading(address: Address) -> Warehouse:
    try:
        return EmbeddedWarehouse(address, create=False, read_only=True)
    except WarehouseBusyError as error:
        if "this process" in str(error):
            raise
        return HeldWarehouse(address)
