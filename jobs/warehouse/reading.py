"""Reading through anything that runs a statement and returns bytes in a format: an engine here, or a holder's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from jobs.warehouse.protocol import Result
from jobs.warehouse.results import decode
from jobs.warehouse.sql import Plain, bind, reading, split_format

Run = Callable[[str, str], bytes]
"""Statement, ClickHouse format -> result."""
_HEADER: str = "JSONCompactEachRowWithNamesAndTypes"


def rows(run: Run, sql: str, parameters: Mapping[str, Plain] | None) -> Result:
    """Rows of a statement that reads."""
    statement = bind(reading(split_format(sql)[0]), parameters)
    native = run(statement, "Native")
    return decode(native) if native else _empty(run(statement, _HEADER))


def formatted(run: Run, sql: str, format: str, parameters: Mapping[str, Plain] | None) -> bytes:
    """Text of a statement that reads; its own FORMAT clause wins."""
    statement, named = split_format(sql)
    return run(bind(reading(statement), parameters), named or format)


def _empty(header: bytes) -> Result:
    """Names and types where there are no rows: the engine sends no Native block then."""
    names, types, *_ = [json.loads(line) for line in header.splitlines()] or [[], []]
    return Result(names, types, [])
