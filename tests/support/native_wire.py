"""The bytes of ClickHouse's native protocol as a server reads and writes them, at one revision (see REVISION)."""

from __future__ import annotations

import re
import select
import socket
import struct
from dataclasses import dataclass
from typing import Final

from jobs.warehouse.varint import prefixed, varint

REVISION: Final = 54429
"""The lowest with settings as strings: high enough to honour them, low enough to need nothing else."""

CLIENT_QUERY, CLIENT_DATA, CLIENT_CANCEL, CLIENT_PING = 1, 2, 3, 4
SERVER_HELLO, SERVER_DATA, SERVER_EXCEPTION, SERVER_PONG, SERVER_END = 0, 1, 2, 4, 5
BLOCK_INFO: Final = b"\x01\x00\x02\xff\xff\xff\xff\x00"
EMPTY_BLOCK: Final = b"\x00\x00"

_WIDTHS: Final = {
    "Bool": 1, "Int8": 1, "UInt8": 1, "Enum8": 1, "Int16": 2, "UInt16": 2, "Enum16": 2, "Date": 2, "Int32": 4,
    "UInt32": 4, "Float32": 4, "Date32": 4, "DateTime": 4, "Int64": 8, "UInt64": 8, "Float64": 8, "DateTime64": 8,
    "UUID": 16, "Int128": 16, "UInt128": 16, "Decimal": 8, "Nothing": 1, "IPv4": 4, "IPv6": 16,
}  # fmt: skip
_TYPE: Final = re.compile(r"(\w+)(?:\((.*)\))?$", re.DOTALL)


class Closed(Exception):  # noqa: N818
    """The client went away."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query packet."""

    text: str
    settings: dict[str, str]


class Wire:
    """One client connection: a growing buffer and a position in it."""

    def __init__(self, peer: socket.socket, data: bytes = b"") -> None:
        self._peer = peer
        self._buffer = bytearray(data)
        self._position = 0

    def packet(self) -> int:
        """Kind of the next packet; forgets what was read before."""
        del self._buffer[: self._position]
        self._position = 0
        return self.number()

    def number(self) -> int:
        """A variable-length integer."""
        value = shift = 0
        while True:
            byte = self._take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def text(self) -> str:
        """A string."""
        return bytes(self._take(self.number())).decode()

    def query(self) -> Query:
        """Rest of a query packet: id, client info, settings, stage, compression, text."""
        self.text()
        self._client_info()
        settings = {}
        while name := self.text():
            self._take(1)
            settings[name] = self.text()
        self.number()
        if self.number():
            raise ValueError("compression is not supported")
        return Query(self.text(), settings)

    def block(self) -> tuple[int, bytes]:
        """Rest of a data packet: its number of rows, and the block in the Native format."""
        self.text()
        while field := self.number():
            self._take(1 if field == 1 else 4)
        start = self._position
        rows, _ = self.columns()
        return rows, bytes(self._buffer[start : self._position])

    def columns(self) -> tuple[int, list[tuple[str, str]]]:
        """Read past a Native block; its number of rows, and its columns' names and types."""
        width, rows = self.number(), self.number()
        found = []
        for _ in range(width):
            name, kind = self.text(), self.text()
            self._skip_prefix(kind)
            self._skip(kind, rows)
            found.append((name, kind))
        return rows, found

    def send(self, kind: int, data: bytes = b"") -> None:
        """Send one packet."""
        self._peer.sendall(varint(kind) + data)

    def send_block(self, native: bytes) -> None:
        """Send one Native block as a data packet."""
        self.send(SERVER_DATA, b"\x00" + BLOCK_INFO + native)

    def send_exception(self, code: int, message: str) -> None:
        """Send an error."""
        texts = b"".join(prefixed(text.encode()) for text in ("DB::Exception", f"DB::Exception: {message}", ""))
        self.send(SERVER_EXCEPTION, struct.pack("<i", code) + texts + b"\x00")

    def waiting(self) -> bool:
        """Whether the client has sent something that was not read."""
        return self._position < len(self._buffer) or bool(select.select([self._peer], [], [], 0)[0])

    def _client_info(self) -> None:
        self._take(1)
        for _ in range(3):
            self.text()
        self._take(1)
        for _ in range(3):
            self.text()
        for _ in range(3):
            self.number()
        self.text()
        self.number()

    def _take(self, size: int) -> bytearray:
        end = self._position + size
        while len(self._buffer) < end:
            received = self._peer.recv(max(1 << 16, end - len(self._buffer)))
            if not received:
                raise Closed
            self._buffer += received
        taken = self._buffer[self._position : end]
        self._position = end
        return taken

    def _skip_prefix(self, kind: str) -> None:
        name, inside = _parts(kind)
        if name == "LowCardinality":
            self._take(8)
        elif name in {"Map", "Array", "Nullable"}:
            for inner in _split(inside):
                self._skip_prefix(inner)

    def _skip(self, kind: str, rows: int) -> None:
        name, inside = _parts(kind)
        if name == "String":
            self._skip_strings(rows)
        elif name == "Nullable":
            self._take(rows)
            self._skip(inside, rows)
        elif name == "LowCardinality":
            self._skip_labels(inside.removeprefix("Nullable(").rstrip(")"), rows)
        elif name in {"Map", "Array"}:
            ends = self._take(8 * rows)
            total = int.from_bytes(ends[-8:], "little")
            for inner in _split(inside):
                self._skip(inner, total)
        else:
            self._take(rows * (int(inside) if name == "FixedString" else _WIDTHS[name]))

    def _skip_strings(self, rows: int) -> None:
        for _ in range(rows):
            self._take(self.number())

    def _skip_labels(self, inside: str, rows: int) -> None:
        if not rows:
            return
        width = 1 << (int.from_bytes(self._take(8), "little") & 0xF)
        self._skip(inside, int.from_bytes(self._take(8), "little"))
        self._take(8)
        self._take(rows * width)


def _parts(kind: str) -> tuple[str, str]:
    match = _TYPE.match(kind)
    if match is None:
        raise ValueError(f"type {kind}")
    return match[1], match[2] or ""


def _split(inside: str) -> list[str]:
    """Arguments of a type, split at commas outside of brackets."""
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(inside):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append(inside[start:place].strip())
            start = place + 1
    return [*parts, inside[start:].strip()]
