"""What must be known about a statement before it is sent: does it only read, its parameters, its FORMAT clause.

Both warehouses bind parameters here, so that they mean the same whatever the server's protocol revision is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from jobs.warehouse.errors import ReadOnlyError, WarehouseQueryError

Plain = str | int | float | bool | datetime | None | Sequence["Plain"]
"""What a query parameter may be; naive datetimes are UTC."""

_TOKEN: Final = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?\*/)
      | (?P<quoted>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)
      | \{(?P<name>\w+):(?P<type>[^{}]+)\}
      | (?P<word>\w+)
      | (?P<other>\S)""",
    re.VERBOSE | re.DOTALL,
)
_READING: Final = frozenset({"SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS"})
_WRITING_PAIRS: Final = frozenset({("INSERT", "INTO"), ("INTO", "OUTFILE")})


def reading(statement: str) -> str:
    """The statement without a final semicolon, if it only reads.

    Raises:
        ReadOnlyError: it writes, or there is more than one statement.
    """
    tokens = list(_tokens(statement))
    while tokens and tokens[-1].group() == ";":
        statement = statement[: tokens.pop().start()]
    texts = [_shape(token) for token in tokens]
    first = next((text for text in texts if text != "("), "")
    if first not in _READING or ";" in texts or _WRITING_PAIRS & set(pairwise(texts)):
        raise ReadOnlyError(f"only one statement that reads is accepted here, not: {_shortened(statement)}")
    return statement


def split_format(statement: str) -> tuple[str, str | None]:
    """The statement without its final ``FORMAT name``, and that name."""
    tokens = list(_tokens(statement))
    if len(tokens) > 2 and _shape(tokens[-2]) == "FORMAT" and tokens[-1].group("word"):
        return statement[: tokens[-2].start()], tokens[-1].group()
    return statement, None


def bind(statement: str, parameters: Mapping[str, Plain] | None) -> str:
    """Replace every ``{name:Type}`` by its value, cast to the type.

    Raises:
        WarehouseQueryError: a parameter is missing or of no plain type.
    """
    values = parameters or {}
    return _TOKEN.sub(lambda token: _bound(token, values) if token.group("name") else token.group(), statement)


def statements(script: str) -> list[str]:
    """The statements of a script, which end in a semicolon."""
    found, start = [], 0
    for token in _tokens(script):
        if token.group() == ";":
            found.append(script[start : token.start()].strip())
            start = token.end()
    if any(True for _ in _tokens(script[start:])):
        found.append(script[start:].strip())
    return found


def literal(value: Plain) -> str:
    """A value as SQL text."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f"'{value}'"
    return _text_literal(value)


def _text_literal(value: str | datetime | Sequence[Plain]) -> str:
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return f"'{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond:06d}'"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(literal(item) for item in value)}]"
    raise WarehouseQueryError(f"a parameter of type {type(value).__name__} is not plain")


def _bound(token: re.Match[str], values: Mapping[str, Plain]) -> str:
    name, kind = token["name"], token["type"].strip()
    if name not in values:
        raise WarehouseQueryError(f"parameter {name} ({kind}) is not given")
    if kind == "Identifier":
        return "`" + str(values[name]).replace("\\", "\\\\").replace("`", "\\`") + "`"
    return f"CAST({literal(values[name])}, {literal(kind)})"


def _tokens(statement: str) -> Iterator[re.Match[str]]:
    return (token for token in _TOKEN.finditer(statement) if not token.group("comment"))


def _shape(token: re.Match[str]) -> str:
    return token.group().upper() if token.group("word") else token.group()


def _shortened(statement: str) -> str:
    return statement if len(statement) <= 80 else f"{statement[:79]}…"
