"""The declared tables by name."""

from __future__ import annotations

from jobs.warehouse.errors import RowsError
from schemas.tables import BY_NAME, Table


def declared(name: str) -> Table:
    """The declared table. Raises :class:`RowsError` for an unknown name."""
    try:
        return BY_NAME[name]
    except KeyError:
        raise RowsError(f"no table {name}; declared are {', '.join(BY_NAME)}") from None
