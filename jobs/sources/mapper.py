"""The process that runs a mapping: a job on standard input, events as JSON lines on standard output."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import chdb.session
import msgspec

from jobs.sources.relation import SETTINGS, relation

_OUTPUT: Final[dict[str, str | int]] = {
    "date_time_output_format": "iso",
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_denormals": 0,
    "output_format_json_quote_decimals": 0,
    "output_format_json_escape_forward_slashes": 0,
}
_SET: Final = re.compile(
    r"""(?:\s|--[^\n]*\n|/\*.*?\*/)*(?P<statement>SET\s(?:[^;']|'(?:[^'\\]|\\.)*')*);""", re.IGNORECASE | re.DOTALL
)
_FLAGS: Final = ("resolved", "visible")
_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


def main() -> int:
    """Run the job; its errors go to standard error, in the engine's words."""
    job = json.load(sys.stdin)
    try:
        for lines in run([Path(path) for path in job["files"]], job["format"], job["select"]):
            sys.stdout.buffer.write(lines)
    except BrokenPipeError:
        return 1
    except (RuntimeError, ValueError) as error:
        sys.stderr.write(_first_sentence(str(error)))
        return 1
    return 0


def run(files: list[Path], file_format: str | None, select: str) -> Iterator[bytes]:
    """Blocks of JSON lines, in the order of the SELECT."""
    session: Any = chdb.session.Session()
    try:
        session.query("; ".join(f"SET {name} = {_literal(value)}" for name, value in {**SETTINGS, **_OUTPUT}.items()))

        def rows(query: str) -> Sequence[Sequence[Any]]:
            found: list[list[Any]] = json.loads(session.query(query, "JSONCompact").bytes())["data"]
            return found

        settings, query = split(select)
        for setting in settings:
            session.query(setting)
        session.query(f"CREATE VIEW input AS {relation(files, file_format, rows)}")
        for block in session.send_query(query, "JSONEachRow"):
            yield b"".join(event(line) + b"\n" for line in block.bytes().splitlines())
    finally:
        session.close()


def split(sql: str) -> tuple[list[str], str]:
    r"""Leading SET statements, which also hold for how files are read, and the SELECT.

    >>> split("-- semicolons; not commas\nSET format_csv_delimiter = ';';\nSELECT 1;")
    (["SET format_csv_delimiter = ';'"], 'SELECT 1')
    """
    settings = []
    while found := _SET.match(sql):
        settings.append(found["statement"])
        sql = sql[found.end() :]
    return settings, sql.strip().rstrip(";")


def event(line: bytes) -> bytes:
    """A row as an event: what is NULL or empty is not given, 0 and 1 of a comparison are false and true.

    >>> event(b'{"event_id":"e","team":"","wait_s":null,"resolved":1}')
    b'{"event_id":"e","resolved":true}'
    """
    try:
        row = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return line  # not UTF-8: let the contract refuse it, with its bytes
    return _encode({name: _flag(name, value) for name, value in row.items() if _given(value)})


def _given(value: Any) -> bool:
    return value is not None and value not in ("", {})


def _flag(name: str, value: Any) -> Any:
    return bool(value) if name in _FLAGS and value in (0, 1) else value


def _literal(value: str | int) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)


def _first_sentence(message: str) -> str:
    """The engine's message without its dump of neighbouring rows."""
    return re.split(r"\n: \n|\nRow ", message, maxsplit=1)[0].removeprefix("Streaming query failed: ").strip()


if __name__ == "__main__":
    sys.exit(main())
