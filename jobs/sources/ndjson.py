"""Newline-delimited JSON events, plain or compressed (gzip, bzip2, xz); ``-`` is standard input."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, Final

from jobs.errors import InputError

CHUNK_BYTES: Final = 1 << 20
LONGEST_LINE: Final = 16 << 20
"""Bytes; far beyond any record that is taken, and little beside what else is in memory."""
_COMPRESSIONS: Final[dict[bytes, Callable[[Any], Any]]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
_TABULAR: Final = (".csv", ".tsv", ".tab", ".parquet", ".arrow", ".feather", ".orc", ".avro", ".xml", ".zst")
_UNREADABLE: Final = (OSError, EOFError, zlib.error, lzma.LZMAError)


def read(files: Sequence[Path]) -> Iterator[list[bytes]]:
    """Lines of ``files`` one after the other, without their line ends; blank lines are skipped."""
    for path in files:
        _check(path)
    return (lines for path in files for lines in _lines(path))


def _check(path: Path) -> None:
    if path != Path("-") and not path.is_file():
        raise InputError(f"{path} is not a file", action="Give the path of an NDJSON file, or - for standard input.")
    if any(suffix.lower() in _TABULAR for suffix in path.suffixes[-2:]):
        raise InputError(
            f"{path.name} does not look like NDJSON events",
            action="Say how its rows become events: --select MAPPING.sql (see `perception replay --help`).",
        )


def _lines(path: Path) -> Iterator[list[bytes]]:
    try:
        with _open(path) as stream:
            rest = b""
            while data := stream.read(CHUNK_BYTES):
                *lines, rest = (rest + data).split(b"\n")
                _check_length(path, rest)
                yield [line for raw in lines if (line := raw.strip(b" \t\r"))]
            if line := rest.strip(b" \t\r"):
                yield [line]
    except _UNREADABLE as error:
        raise InputError(f"cannot read {path}: {error}", action="Check the file; is it complete?") from error


def _check_length(path: Path, rest: bytes) -> None:
    """A line must end some time: a few bytes of a compressed file can expand to any number without a line break."""
    if len(rest) > LONGEST_LINE:
        raise InputError(
            f"{path} has a line of more than {LONGEST_LINE:,} bytes",
            action="Give a file with one event a line; an event has at most PERCEPTION_LIMITS__MAX_BYTES.",
        )


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    stream: Any = sys.stdin.buffer if path == Path("-") else path.open("rb")
    with stream:
        head = stream.peek(8)
        opener = next((opener for magic, opener in _COMPRESSIONS.items() if head.startswith(magic)), nullcontext)
        with opener(stream) as opened:
            yield opened
