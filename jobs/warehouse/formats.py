"""Rows as text where no engine is at hand to format them: the usual output formats of ClickHouse."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Self

from jobs.warehouse.errors import WarehouseQueryError
from jobs.warehouse.protocol import Result

_ESCAPES: Final = str.maketrans(
    {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0", "\b": "\\b", "\f": "\\f", "'": "\\'"}
)


def render(result: Result, format: str) -> bytes:
    """``result`` in a format named as in ClickHouse.

    Raises:
        WarehouseQueryError: the format is none of these; the message lists them.
    """
    try:
        writer = FORMATS[format.lower()]
    except KeyError:
        raise WarehouseQueryError(f"unknown format {format!r}", action=f"Known are: {', '.join(FORMATS)}.") from None
    return writer(result).encode()


def _tsv(result: Result) -> str:
    return "".join("\t".join(_cell(value, nested=False) for value in row) + "\n" for row in result.rows)


def _tsv_with_names(result: Result) -> str:
    return "\t".join(name.translate(_ESCAPES) for name in result.names) + "\n" + _tsv(result)


def _csv(result: Result) -> str:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    for row in result.rows:
        writer.writerow([_csv_value(value) for value in row])
    return out.getvalue()


def _csv_with_names(result: Result) -> str:
    names = ",".join('"' + name.replace('"', '""') + '"' for name in result.names)
    return f"{names}\n{_csv(result)}"


def _csv_value(value: Any) -> Any:
    if value is None:
        return _Bare("\\N")
    if isinstance(value, bool):
        return _Bare(str(value).lower())
    return value if isinstance(value, (int, float, str)) else _plain_text(value)


class _Bare(float):
    """Text that CSV does not quote: what the csv module takes for a number."""

    def __new__(cls, _text: str) -> Self:
        return super().__new__(cls, 0.0)

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__


def _json(result: Result) -> str:
    meta = [{"name": name, "type": kind} for name, kind in zip(result.names, result.types, strict=True)]
    data = [_json_row(result.names, row) for row in result.rows]
    return json.dumps({"meta": meta, "data": data, "rows": len(data)}, ensure_ascii=False, indent=1) + "\n"


def _json_each_row(result: Result) -> str:
    lines = (json.dumps(_json_row(result.names, row), ensure_ascii=False, separators=(",", ":")) for row in result.rows)
    return "".join(f"{line}\n" for line in lines)


def _json_row(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    return {name: _jsonable(value) for name, value in zip(names, row, strict=True)}


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    if isinstance(value, float):
        return value if value - value == 0 else None  # NaN and infinities are null, as in ClickHouse
    return value if value is None or isinstance(value, (bool, int, str)) else _plain_text(value)


def _vertical(result: Result) -> str:
    width = max(map(len, result.names), default=0) + 1
    blocks = []
    for number, row in enumerate(result.rows, start=1):
        lines = [f"{name + ':':<{width}} {_plain_text(value)}" for name, value in zip(result.names, row, strict=True)]
        blocks.append("\n".join([f"Row {number}:", "──────", *lines, ""]))
    return "\n".join(blocks)


def _pretty(result: Result) -> str:
    cells = [[_plain_text(value) for value in row] for row in result.rows]
    widths = [max(len(name), *(len(row[i]) for row in cells), 0) for i, name in enumerate(result.names)]
    numeric = [_is_numeric(kind) for kind in result.types]
    columns = list(zip(result.names, widths, numeric, strict=True))
    head = "┬".join(f"─{name:─>{width}}─" if right else f"─{name:─<{width}}─" for name, width, right in columns)
    lines = [f"┌{head}┐"]
    for row in cells:
        parts = (f"{c:>{w}}" if right else f"{c:<{w}}" for c, (_, w, right) in zip(row, columns, strict=True))
        lines.append(f"│ {' │ '.join(parts)} │")
    foot = "┴".join("─" * (width + 2) for width in widths)
    return "\n".join([*lines, f"└{foot}┘", ""])


def _is_numeric(kind: str) -> bool:
    inner = kind.removeprefix("Nullable(")
    return inner.startswith(("Int", "UInt", "Float", "Decimal"))


def _cell(value: Any, *, nested: bool) -> str:
    """One value as in TabSeparated."""
    if value is None:
        return "NULL" if nested else "\\N"
    if isinstance(value, str):
        return f"'{value.translate(_ESCAPES)}'" if nested else value.translate(_ESCAPES)
    return _plain_text(value)


def _plain_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_cell(k, nested=True)}:{_cell(v, nested=True)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_cell(item, nested=True) for item in value) + "]"
    if isinstance(value, tuple):
        return "(" + ",".join(_cell(item, nested=True) for item in value) + ")"
    return _scalar_text(value)


def _scalar_text(value: Any) -> str:
    if value is None:
        return "ᴺᵁᴸᴸ"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S") + (f".{value.microsecond // 1000:03d}" if value.tzinfo else "")
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(value) if isinstance(value, (str, int, date, Decimal)) else repr(value)


FORMATS: Final[Mapping[str, Callable[[Result], str]]] = {
    "prettycompact": _pretty,
    "pretty": _pretty,
    "vertical": _vertical,
    "tsv": _tsv,
    "tabseparated": _tsv,
    "tsvwithnames": _tsv_with_names,
    "tabseparatedwithnames": _tsv_with_names,
    "csv": _csv,
    "csvwithnames": _csv_with_names,
    "json": _json,
    "jsoneachrow": _json_each_row,
}
