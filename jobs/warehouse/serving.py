"""The holder's query server: other processes of the same user read the embedded store through a unix socket."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from jobs.warehouse.engine import Engine
from jobs.warehouse.errors import WarehouseError
from jobs.warehouse.framing import SOCKET, receive_request, send_answer, send_error, socket_path
from jobs.warehouse.sql import reading

_BACKLOG = 16
_JOIN_S = 5.0


class QueryServer:
    """Answers read-only queries until closed; one engine connection per client connection."""

    def __init__(self, directory: Path, connect: Callable[[], Engine]) -> None:
        """Listen beside the data of ``directory``, whose lock the caller holds (a socket found there is stale)."""
        self._connect = connect
        self._path = directory / SOCKET
        self._path.unlink(missing_ok=True)
        self._listener = _listen(directory)
        self._peers: dict[socket.socket, threading.Thread] = {}
        self._guard = threading.Lock()
        self._acceptor = threading.Thread(target=self._accept, name="query-server", daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """Stop listening, end the connections, wait for the threads."""
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(_JOIN_S)
        with self._guard:
            peers = dict(self._peers)
        for peer, thread in peers.items():
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
            thread.join(_JOIN_S)

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(peer,), name="query-client", daemon=True)
            with self._guard:
                self._peers[peer] = thread
            thread.start()

    def _serve(self, peer: socket.socket) -> None:
        engine = self._connect()
        try:
            with peer, contextlib.suppress(OSError):
                while request := receive_request(peer):
                    _answer(peer, engine, *request)
        finally:
            engine.close()
            with self._guard:
                self._peers.pop(peer, None)


def _listen(directory: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    os.fchmod(listener.fileno(), 0o600)
    with socket_path(directory) as path:
        listener.bind(path)
    (directory / SOCKET).chmod(0o600)
    listener.listen(_BACKLOG)
    return listener


def _answer(peer: socket.socket, engine: Engine, sql: str, format: str) -> None:
    try:
        data = engine.run(reading(sql), format)
    except WarehouseError as error:
        send_error(peer, error)
    else:
        send_answer(peer, data)
