"""Roles with the least that each task needs, as SQL for an administrator; see :func:`script`.

======== ==================================================================================================
role     may
======== ==================================================================================================
migrator make and change the database's own tables and views; nothing in other databases
writer   insert rows, and read what says whether the tables are as declared; no rows of customers
reader   read everything but original bytes of bad records; no rows of the segment ``restricted``; within a quota
======== ==================================================================================================

No user and no password is made here: ``CREATE USER ... DEFAULT ROLE`` and ``GRANT`` are the administrator's, with a
secret that this project never sees.
"""

from __future__ import annotations

import re
import string
from importlib import resources
from typing import Final

from jobs.errors import WrongUseError

ROLES: Final = ("migrator", "writer", "reader")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def script(role: str, database: str) -> str:
    """The statements that make a role for a database. Repeatable.

    Raises:
        WrongUseError: there is no such role, or the name is no plain identifier.
    """
    if role not in ROLES:
        raise WrongUseError(f"no role {role!r}", action=f"Choose one of {', '.join(ROLES)}.")
    if not _IDENTIFIER.fullmatch(database):
        raise WrongUseError(f"{database!r} is no database name", action="Use letters, digits and underscores.")
    text = (resources.files("jobs.warehouse.roles") / f"{role}.sql").read_text(encoding="utf-8")
    return string.Template(text).substitute(database=database)
