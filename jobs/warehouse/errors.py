"""What can go wrong with a warehouse, and what the operator does about it.

::

    PerceptionError
    └── WarehouseError
        ├── WarehouseUrlError           the address cannot be understood
        ├── WarehouseUnavailableError   transient: the same call may succeed later
        │   └── WarehouseBusyError      another process holds the embedded store
        └── WarehouseTerminalError      the same call will fail again
            ├── WarehouseQueryError     the engine refuses the statement
            ├── WarehouseAccessError    the user may not do this, or the password is wrong
            ├── ReadOnlyError           a statement that writes was sent where only reading is allowed
            ├── RowsError               the columns do not fit the declared table
            └── MigrationError          the tables are not what the migrations describe
"""

from __future__ import annotations

import re
from typing import ClassVar, Final

from jobs.errors import PerceptionError


class WarehouseError(PerceptionError):
    """Root of the tree; ``action`` tells the operator what to do, ``code`` is ClickHouse's error code if it has one."""

    usual_action: ClassVar[str] = "Run `perception warehouse check`."
    transient: ClassVar[bool] = False
    """Whether repeating the same call later may succeed."""

    def __init__(self, message: str, *, action: str = "", code: int | None = None) -> None:
        super().__init__(message, action=action or self.usual_action)
        self.code = code


class WarehouseUrlError(WarehouseError):
    """The warehouse address cannot be understood."""

    exit_code = 2
    usual_action = (
        "Use chdb:///absolute/path, clickhouse://user:password@host:9000/database or clickhouses://… for TLS."
    )


class WarehouseUnavailableError(WarehouseError):
    """The warehouse does not answer, or is too busy to."""

    transient = True
    usual_action = "Check that ClickHouse runs and is reachable, then repeat: rows that are sent twice count once."


class WarehouseBusyError(WarehouseUnavailableError):
    """Another process holds the embedded store."""

    usual_action = "Stop the process that holds it, or choose another path; `perception query` works meanwhile."


class WarehouseTerminalError(WarehouseError):
    """Repeating the same call will fail again."""

    usual_action = "Correct the cause first: repeating the same call will fail again."


class WarehouseQueryError(WarehouseTerminalError):
    """The engine refuses the statement."""

    usual_action = "Correct the statement; `perception warehouse tables` lists tables and views with their columns."


class WarehouseAccessError(WarehouseTerminalError):
    """The user may not do this, or the password is wrong."""

    usual_action = "Check user, password and grants in ClickHouse, and the address in PERCEPTION_WAREHOUSE__URL."


class ReadOnlyError(WarehouseTerminalError):
    """A statement that writes was sent where only reading is allowed."""

    exit_code = 2
    usual_action = "Send SELECT, SHOW, DESCRIBE or EXPLAIN; only the pipeline and the migrations change tables."


class RowsError(WarehouseTerminalError):
    """The columns do not fit the declared table."""

    usual_action = "This is a defect of the writer: compare its columns with schemas/tables.py."


class MigrationError(WarehouseTerminalError):
    """The tables are not what the migrations describe."""

    usual_action = "Run `perception warehouse migrate`; tables that were changed by hand must be changed back."


# Names of the codes: ClickHouse, src/Common/ErrorCodes.cpp.
_TRANSIENT: Final = frozenset({3, 32, 159, 202, 203, 209, 210, 225, 236, 241, 242, 243, 252, 279, 285, 286, 319, 394})
_TRANSIENT_LATER: Final = frozenset({425, 439, 473, 499, 571, 719, 999})
_ACCESS: Final = frozenset({192, 193, 194, 195, 497, 516})
_READONLY: Final = 164
_CODE: Final = re.compile(r"Code: (\d+)")
_NOISE: Final = re.compile(r" In scope .*?(?=\. \(|$)|,? ?Stack trace:.*|\(version [^)]*\)\s*$", re.DOTALL)


def from_engine(message: str, code: int | None = None) -> WarehouseError:
    """The error of this tree for what ClickHouse reported; ``code`` is read from the message if not given."""
    if code is None and (match := _CODE.search(message)):
        code = int(match[1])
    return _kind(code)(_NOISE.sub("", message).strip(), code=code)


def _kind(code: int | None) -> type[WarehouseError]:
    if code in _TRANSIENT or code in _TRANSIENT_LATER:
        return WarehouseUnavailableError
    if code in _ACCESS:
        return WarehouseAccessError
    return ReadOnlyError if code == _READONLY else WarehouseQueryError
