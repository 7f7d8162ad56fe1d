"""Types of a server's columns with a bounded scale: clickhouse-driver raises ten to whatever a type says.

``DateTime64(999999999)`` would keep the interpreter in one multiplication for hours, with no thread able to tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from clickhouse_driver.columns import service

MOST: Final = 76
"""Largest precision and scale of any type of ClickHouse (Decimal256)."""
_MAKERS: Final[Mapping[str, Callable[..., Any]]] = {
    name: getattr(service, name) for name in ("create_datetime_column", "create_decimal_column")
}
_NUMBER: Final = re.compile(r"[(,]\s*([-+\d_]+)")


class ScaleError(ValueError):
    """A server names a type that ClickHouse cannot have."""


def bound_scales() -> None:
    """Let every client of this process refuse (:class:`ScaleError`) types that ClickHouse cannot have."""
    for name, make in _MAKERS.items():
        setattr(service, name, _bounded(make))


def _bounded(make: Callable[..., Any]) -> Callable[..., Any]:
    def made(spec: str, options: Mapping[str, Any]) -> Any:
        for number in _NUMBER.findall(spec):
            if len(number) > len(str(MOST)) or int(number) > MOST:
                raise ScaleError(f"a scale above {MOST}")
        return make(spec, options)

    return made
