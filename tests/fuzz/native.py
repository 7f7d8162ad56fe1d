"""Answers of a server that is none: the warehouse refuses them with one of its errors, and holds no connection."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Final

from jobs.warehouse.block import Block
from jobs.warehouse.errors import WarehouseError
from jobs.warehouse.native import NativeWarehouse
from jobs.warehouse.url import parse
from jobs.warehouse.varint import prefixed, varint
from schemas.tables import EXPECTATIONS
from tests.fuzz.mutation import mutated
from tests.support.native_wire import (
    BLOCK_INFO,
    REVISION,
    SERVER_DATA,
    SERVER_END,
    SERVER_EXCEPTION,
    SERVER_HELLO,
)
from tests.warehouse.rows import blank

TIMEOUT_S: Final = 5.0
HELLO: Final = (
    varint(SERVER_HELLO) + prefixed(b"ClickHouse") + varint(26) + varint(9) + varint(REVISION)
    + prefixed(b"UTC") + prefixed(b"fuzz") + varint(0)
)  # fmt: skip
_VALUES: Final = [
    ("n", "UInt64", (7).to_bytes(8, "little")),
    ("s", "String", prefixed(b"text")),
    ("o", "Nullable(Float64)", b"\x00" + b"\x00" * 8),
    ("t", "DateTime64(3, 'UTC')", b"\x00" * 8),
]
_HEADER: Final = [(column.name, column.type, b"") for column in EXPECTATIONS.columns]


def packet(rows: int, columns: list[tuple[str, str, bytes]]) -> bytes:
    """A block of data as a server sends it: name, type and bytes of each column."""
    return varint(SERVER_DATA) + b"\x00" + BLOCK_INFO + Block(rows, columns).to_bytes()


ANSWERS: Final = (
    packet(0, [(name, kind, b"") for name, kind, _ in _VALUES]) + packet(1, _VALUES) + varint(SERVER_END),
    varint(SERVER_EXCEPTION) + b"\x3c\x00\x00\x00" + prefixed(b"DB::Exception") + prefixed(b"no table") + b"\x00\x00",
    packet(0, _HEADER) + varint(SERVER_END),
)


class Native:
    """The target: a server on loopback that answers every connection with the next spoilt answer."""

    name = "native"
    about = "answers of a ClickHouse server, to a query and to an insert"
    per_input = 1

    def run(self, draw: random.Random) -> Counter[str]:
        """One connection."""
        answer = draw.choice(ANSWERS)
        sent = mutated(HELLO + answer, draw, ANSWERS) if draw.random() < 0.3 else HELLO + mutated(answer, draw, ANSWERS)
        with answering(sent) as store:
            return Counter([_ask(store, insert=draw.random() < 0.5)])


@contextlib.contextmanager
def answering(data: bytes) -> Iterator[NativeWarehouse]:
    """A warehouse whose server answers the one connection that it takes with these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=_answer, args=(listener, data), name="fuzz-server")
        server.start()
        store = NativeWarehouse(parse(f"clickhouse://127.0.0.1:{listener.getsockname()[1]}/x"), timeout_s=TIMEOUT_S)
        try:
            yield store
        finally:
            store.close()
            server.join()


def _ask(store: NativeWarehouse, *, insert: bool) -> str:
    try:
        if insert:
            store.insert(EXPECTATIONS.name, blank(EXPECTATIONS, 3))
        else:
            store.query("SELECT 1")
    except WarehouseError as error:
        return type(error).__name__
    return "answered"


def _answer(listener: socket.socket, data: bytes) -> None:
    """Take one connection, say it all, and let go."""
    with contextlib.suppress(OSError):
        listener.settimeout(TIMEOUT_S)
        peer, _ = listener.accept()
        with peer:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            peer.settimeout(TIMEOUT_S)
            while peer.recv(65_536):
                pass
