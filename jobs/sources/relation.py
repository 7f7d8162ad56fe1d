"""``input``: files as one table expression for the embedded engine.

Text tables (CSV, TSV and their kin) are read with every column a String, named by the header line: inferred
types break on real files, where numbers have ``?`` among them and days come before months. Files that carry
types (Parquet, Arrow, JSON …) keep them, except that JSON strings are never guessed to be times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

_COMPRESSED: Final = {".gz", ".gzip", ".zst", ".xz", ".bz2", ".lz4", ".br", ".snappy"}
_TEXT_FORMATS: Final = {
    ".csv": "CSVWithNames",
    ".tsv": "TSVWithNames",
    ".tab": "TSVWithNames",
    ".txt": "TSVWithNames",
}
_TYPED_FORMATS: Final = {
    ".parquet": "Parquet",
    ".json": "JSONEachRow",
    ".ndjson": "JSONEachRow",
    ".jsonl": "JSONEachRow",
    ".arrow": "Arrow",
    ".feather": "Arrow",
    ".arrows": "ArrowStream",
    ".orc": "ORC",
    ".avro": "Avro",
}
SETTINGS: Final[dict[str, str | int]] = {
    "session_timezone": "UTC",
    "schema_inference_use_cache_for_file": 0,
    # Numbers that turn into words late in a JSON file: look at all of it before deciding on types.
    "input_format_max_rows_to_read_for_schema_inference": 100_000_000,
    "input_format_max_bytes_to_read_for_schema_inference": 1 << 32,
    "input_format_try_infer_dates": 0,
    "input_format_try_infer_datetimes": 0,
    "input_format_json_infer_incomplete_types_as_strings": 1,
    "input_format_tsv_crlf_end_of_line": 1,
}
"""Of the session that reads."""

Query = Callable[[str], Sequence[Sequence[Any]]]
"""Rows of a query."""
_HEADER_ROW: Final = (
    " SETTINGS input_format_csv_detect_header = 0, input_format_tsv_detect_header = 0,"
    " input_format_csv_use_best_effort_in_schema_inference = 0,"
    " input_format_tsv_use_best_effort_in_schema_inference = 0"
)


def format_of(path: Path) -> str:
    """The engine's name of a file's format, from its name; ``auto`` if that says nothing."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in _COMPRESSED]
    return {**_TEXT_FORMATS, **_TYPED_FORMATS}.get(suffixes[-1] if suffixes else "", "auto")


def is_text(file_format: str) -> bool:
    """Whether the format has no types of its own."""
    return file_format.startswith(
        ("CSV", "TSV", "TabSeparated", "CustomSeparated", "Template", "Regexp", "LineAsString")
    )


def quote(text: str) -> str:
    """A string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def identifier(name: str) -> str:
    """A quoted column name."""
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def relation(files: Sequence[Path], file_format: str | None, query: Query) -> str:
    """SELECT of all rows of ``files``, columns in the order of the first. Raises ValueError if their columns differ."""
    tables = [_table(path, file_format or format_of(path), query) for path in files]
    columns = tables[0][1]
    for path, (_, names) in zip(files, tables, strict=True):
        if set(names) != set(columns):
            raise ValueError(f"{path.name} has other columns than {files[0].name}: {set(names) ^ set(columns)}")
    listed = ", ".join(identifier(name) for name in columns)
    return " UNION ALL ".join(f"SELECT {listed} FROM {table}" for table, _ in tables)  # noqa: S608 - quoted above


def _table(path: Path, file_format: str, query: Query) -> tuple[str, list[str]]:
    arguments = f"{quote(str(path))}, {quote(file_format)}"
    if not is_text(file_format):
        table = f"file({arguments})"
        return table, _names(query(f"DESCRIBE {table}"))
    names = _text_names(path, file_format, query)
    structure = ", ".join(f"{identifier(name)} String" for name in names)
    return f"file({arguments}, {quote(structure)})", names


def _text_names(path: Path, file_format: str, query: Query) -> list[str]:
    # One row is enough: its types do not matter.
    one_row = " SETTINGS input_format_max_rows_to_read_for_schema_inference = 1"
    try:
        return _names(query(f"DESCRIBE file({quote(str(path))}, {quote(file_format)}){one_row}"))
    except RuntimeError as error:
        if "EMPTY_DATA_PASSED" not in str(error) or not file_format.endswith("WithNames"):
            raise
    # A header line and no rows: its names are the only row of the format without names.
    table = f"file({quote(str(path))}, {quote(file_format.removesuffix('WithNames'))})"
    return [str(name) for name in query(f"SELECT * FROM {table} LIMIT 1{_HEADER_ROW}")[0]]  # noqa: S608 - quoted


def _names(described: Sequence[Sequence[Any]]) -> list[str]:
    return [str(row[0]) for row in described]
