"""Messages on the query socket: a request is a statement and a format, an answer is bytes or an error."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from jobs.warehouse.errors import WarehouseError, WarehouseTerminalError, WarehouseUnavailableError, from_engine

SOCKET: Final = "query.sock"
_HEAD: Final = struct.Struct("!BQ")
_PATH_LIMIT: Final = 100
"""Unix socket paths are at most 104 bytes on some systems."""
_LARGEST_REQUEST: Final = 1 << 24
OK: Final = 0
FAILED: Final = 1
REQUEST: Final = 2


@contextlib.contextmanager
def socket_path(directory: Path) -> Iterator[str]:
    """A path of the store's socket that is short enough, valid inside the block."""
    path = str(directory / SOCKET)
    if len(path.encode()) <= _PATH_LIMIT:
        yield path
    elif sys.platform == "linux":
        handle = os.open(directory, os.O_PATH)
        try:
            yield f"/proc/self/fd/{handle}/{SOCKET}"
        finally:
            os.close(handle)
    else:
        raise WarehouseTerminalError(
            f"{path} is too long for a socket", action=f"Choose a path shorter than {_PATH_LIMIT} bytes."
        )


def send_request(peer: socket.socket, sql: str, format: str) -> None:
    """Ask for the result of a statement in a ClickHouse format."""
    _send(peer, REQUEST, json.dumps({"sql": sql, "format": format}).encode())


def receive_request(peer: socket.socket) -> tuple[str, str] | None:
    """Statement and format, or None at the end of the connection."""
    message = _receive(peer, _LARGEST_REQUEST)
    if message is None:
        return None
    request = json.loads(message[1])
    return str(request["sql"]), str(request["format"])


def send_answer(peer: socket.socket, data: bytes) -> None:
    """Answer with a result."""
    _send(peer, OK, data)


def send_error(peer: socket.socket, error: WarehouseError) -> None:
    """Answer with an error."""
    _send(peer, FAILED, json.dumps({"message": str(error), "code": error.code}).encode())


def receive_answer(peer: socket.socket) -> bytes:
    """The result. Raises the holder's error, or :class:`WarehouseUnavailableError` if it went away."""
    message = _receive(peer, None)
    if message is None:
        raise WarehouseUnavailableError("the process that holds the store went away")
    kind, data = message
    if kind == FAILED:
        error: dict[str, Any] = json.loads(data)
        raise from_engine(error["message"], error["code"])
    return data


def _send(peer: socket.socket, kind: int, data: bytes) -> None:
    peer.sendall(_HEAD.pack(kind, len(data)))
    peer.sendall(data)


def _receive(peer: socket.socket, limit: int | None) -> tuple[int, bytes] | None:
    head = _exactly(peer, _HEAD.size)
    if head is None:
        return None
    kind, size = _HEAD.unpack(head)
    if limit is not None and size > limit:
        return None
    data = _exactly(peer, size)
    return None if data is None else (kind, data)


def _exactly(peer: socket.socket, size: int) -> bytes | None:
    data = bytearray(size)
    view, filled = memoryview(data), 0
    while filled < size:
        count = peer.recv_into(view[filled:])
        if not count:
            return None
        filled += count
    return bytes(data)
