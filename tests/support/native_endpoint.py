"""chDB behind ClickHouse's native protocol: what tests of the driver path talk to where there is no server.

``python -m tests.support.native_endpoint --port 0 --path DIR`` prints its port and serves until it is stopped.
Every connection has chDB connections of its own, so database and settings are per client, as on a server.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from jobs.warehouse.block import Block
from jobs.warehouse.varint import prefixed, varint
from tests.support.native_wire import (
    CLIENT_CANCEL,
    CLIENT_DATA,
    CLIENT_PING,
    CLIENT_QUERY,
    EMPTY_BLOCK,
    REVISION,
    SERVER_END,
    SERVER_HELLO,
    SERVER_PONG,
    Closed,
    Query,
    Wire,
)

_INSERT: Final = re.compile(r"\s*INSERT\s+INTO\s+(?:TABLE\s+)?([\w.`]+)\s*(\([^)]*\))?\s*VALUES\s*$", re.IGNORECASE)
_STREAMED: Final = re.compile(r"[\s(]*(SELECT|WITH)\b", re.IGNORECASE)
_READING: Final = re.compile(r"[\s(]*(SELECT|WITH|SHOW|DESC|DESCRIBE|EXPLAIN|EXISTS)\b", re.IGNORECASE)
_CODE: Final = re.compile(r"Code: (\d+)\. (?:DB::Exception: )?(.*)", re.DOTALL)
_UNKNOWN: Final = 1000


class Connection:
    """One client: reads packets, runs queries, answers."""

    def __init__(self, peer: socket.socket, path: Path) -> None:
        self._peer = peer
        self._wire = Wire(peer)
        self._path = path
        self._database = "default"
        self._sessions: dict[str, Any] = {}

    def serve(self) -> None:
        """Answer until the client leaves."""
        with contextlib.suppress(Closed, OSError):
            self._answered(self._hello)
            while True:
                self._answer(self._wire.packet())
        for session in self._sessions.values():
            session.close()

    def _hello(self) -> None:
        self._wire.packet()
        self._wire.text()
        for _ in range(3):
            self._wire.number()
        self._database = self._wire.text() or "default"
        self._wire.text()
        self._wire.text()
        self._session("0")
        version = varint(26) + varint(9) + varint(REVISION)
        self._wire.send(
            SERVER_HELLO, prefixed(b"ClickHouse") + version + prefixed(b"UTC") + prefixed(b"endpoint") + varint(0)
        )

    def _answer(self, packet: int) -> None:
        if packet == CLIENT_PING:
            self._wire.send(SERVER_PONG)
        elif packet == CLIENT_DATA:
            self._wire.block()
        elif packet == CLIENT_QUERY:
            query = self._wire.query()
            self._answered(lambda: self._run(query))
        elif packet != CLIENT_CANCEL:
            raise Closed

    def _answered(self, action: Any) -> None:
        """Run an action; an engine's error goes to the client."""
        try:
            action()
        except (Closed, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever the engine raises is the client's to know
            found = _CODE.search(str(error))
            self._wire.send_exception(int(found[1]) if found else _UNKNOWN, found[2] if found else str(error))

    def _run(self, query: Query) -> None:
        session = self._configured(query.settings)
        if match := _INSERT.match(query.text):
            self._insert(session, match[1], match[2] or "")
        elif _READING.match(query.text):
            self._select(session, query.text)
        else:
            session.query(query.text, "Null")
        self._wire.send(SERVER_END)

    def _insert(self, session: Any, table: str, columns: str) -> None:
        self._drain_external_tables()
        statement = f"INSERT INTO {table} {columns}"
        self._wire.send_block(_header(session, table, columns))
        blocks = list(self._blocks())
        for native in blocks:
            # Not the engine's insert stream: it hides that rows were refused.
            with os.fdopen(os.memfd_create("block"), "wb", buffering=0) as file:
                file.write(native)
                session.query(f"{statement} FROM INFILE '/proc/self/fd/{file.fileno()}' FORMAT Native", "Null")

    def _select(self, session: Any, text: str) -> None:
        self._drain_external_tables()
        header = b""
        for data in _chunks(session, text):
            if self._cancelled():
                break
            if data:
                if not header:
                    header = self._send_header(_header_of(self._peer, data))
                self._wire.send_block(data)
        if not header:
            self._send_header(_typed_header(session, text))

    def _send_header(self, header: bytes) -> bytes:
        """A server sends names and types first, as a block without rows."""
        self._wire.send_block(header)
        return header

    def _drain_external_tables(self) -> None:
        """The empty block that ends every query packet."""
        if self._wire.packet() == CLIENT_DATA:
            self._wire.block()

    def _blocks(self) -> Iterator[bytes]:
        while self._wire.packet() == CLIENT_DATA:
            rows, native = self._wire.block()
            if not rows:
                return
            yield native
        raise Closed

    def _cancelled(self) -> bool:
        return self._wire.waiting() and self._wire.packet() == CLIENT_CANCEL

    def _configured(self, settings: dict[str, str]) -> Any:
        """The session for these settings; one that only reads is another, because that cannot be taken back."""
        wanted = dict(settings)
        session = self._session(wanted.pop("readonly", "0"))
        for name, value in wanted.items():
            session.query(f"SET {name} = '{value}'", "Null")
        return session

    def _session(self, readonly: str) -> Any:
        if readonly not in self._sessions:
            from chdb.session import Session

            session = Session(str(self._path))
            session.query(f"USE `{self._database}`", "Null")
            session.query("SET session_timezone = 'UTC'", "Null")
            session.query(f"SET readonly = {int(readonly)}", "Null")
            self._sessions[readonly] = session
        return self._sessions[readonly]


def _chunks(session: Any, text: str) -> Iterator[bytes]:
    """A result in Native form; the engine streams SELECT only."""
    if _STREAMED.match(text):
        return (bytes(chunk.bytes()) for chunk in session.send_query(text, "Native"))
    return iter([session.query(text, "Native").bytes()])


def _header(session: Any, table: str, columns: str) -> bytes:
    """Names and types of an insert's columns, as a block without rows."""
    described = session.query(f"DESCRIBE TABLE {table}", "TSV").bytes().decode().splitlines()
    types = {name: kind.replace("\\'", "'") for name, kind, *_ in (line.split("\t") for line in described)}
    names = [name.strip(" `") for name in columns.strip("()").split(",")] if columns else list(types)
    return _empty_block([(name, types[name]) for name in names])


def _header_of(peer: socket.socket, native: bytes) -> bytes:
    """The header of a block that has rows."""
    return _empty_block(Wire(peer, native).columns()[1])


def _typed_header(session: Any, text: str) -> bytes:
    """Names and types of an empty result, as a block without rows."""
    described = session.query(text, "TSVWithNamesAndTypes").bytes().decode().splitlines()
    if len(described) < 2:
        return EMPTY_BLOCK
    names, types = described[0].split("\t"), described[1].replace("\\'", "'").split("\t")
    return _empty_block(list(zip(names, types, strict=True)))


def _empty_block(columns: list[tuple[str, str]]) -> bytes:
    return Block(0, [(name, kind, b"") for name, kind in columns]).to_bytes()


def serve(port: int, path: Path, host: str = "127.0.0.1") -> None:
    """Listen, print the port, and serve each connection in its own thread."""
    from chdb.session import Session

    keeper = Session(str(path))  # one connection stays: the engine lives as long as this process
    keeper.query("SELECT 1", "Null")
    with socket.create_server((host, port)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            peer, _ = listener.accept()
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_serve_one, args=(peer, path), daemon=True).start()


def _serve_one(peer: socket.socket, path: Path) -> None:
    with peer:
        Connection(peer, path).serve()


def main() -> None:
    """Parse the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--path", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.path.mkdir(parents=True, exist_ok=True)
    try:
        serve(arguments.port, arguments.path)
    except KeyboardInterrupt:
        os._exit(0)  # chDB's own threads must not delay the end


if __name__ == "__main__":
    main()
