"""An embedded store that another process holds, read through its socket."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn

from jobs.warehouse.errors import ReadOnlyError, WarehouseBusyError, WarehouseTerminalError, WarehouseUnavailableError
from jobs.warehouse.framing import receive_answer, send_request, socket_path
from jobs.warehouse.protocol import Result
from jobs.warehouse.reading import formatted, rows
from jobs.warehouse.sql import Plain
from jobs.warehouse.url import Address, Layout
from pipeline.batch import Columns

_PATIENCE_S: Final = 10.0
"""How long to wait for a holder that has the lock but does not listen yet: it is starting."""
_PAUSE_S: Final = 0.1


class HeldWarehouse:
    """A :class:`jobs.warehouse.protocol.Warehouse` that reads only."""

    def __init__(self, address: Address) -> None:
        if address.path is None:
            raise WarehouseTerminalError(f"{address.masked} is not embedded")
        self.url = address.masked
        self.layout: Layout = address.layout
        self._peer = _connected(address.path)
        self._guard = threading.Lock()

    def migrate(self, parameters: Mapping[str, float] | None = None, *, model: str | None = None) -> list[str]:
        """Refused: the holder migrates."""
        self._refuse()

    def insert(self, table: str, columns: Columns) -> int:
        """Refused: the holder inserts."""
        self._refuse()

    def query(self, sql: str, parameters: Mapping[str, Plain] | None = None) -> Result:
        """See the protocol."""
        return rows(self._run, sql, parameters)

    def format(self, sql: str, format: str, parameters: Mapping[str, Plain] | None = None) -> bytes:
        """See the protocol; every format of ClickHouse."""
        return formatted(self._run, sql, format, parameters)

    def command(self, sql: str) -> None:
        """Refused: the holder changes tables."""
        self._refuse()

    def close(self) -> None:
        """See the protocol."""
        self._peer.close()

    def _run(self, sql: str, format: str) -> bytes:
        try:
            with self._guard:
                send_request(self._peer, sql, format)
                return receive_answer(self._peer)
        except OSError as error:
            raise WarehouseUnavailableError(f"the process that holds {self.url} went away: {error}") from error

    def _refuse(self) -> NoReturn:
        raise ReadOnlyError(f"another process holds {self.url}: here it can only be read")


def _connected(directory: Path) -> socket.socket:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with socket_path(directory) as path:
                peer.connect(path)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            peer.close()
            if time.monotonic() > deadline:
                raise WarehouseBusyError(f"the process that holds {directory} answers no queries") from error
            time.sleep(_PAUSE_S)
        else:
            return peer
