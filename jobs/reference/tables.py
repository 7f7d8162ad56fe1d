"""``docs/tables.md``: what an engine has after all migrations, with the comments that the migrations give."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from jobs.reference.columns import CALCULATED, IN_VIEW
from jobs.reference.errors import UndocumentedError
from jobs.reference.markdown import code, codes, page, prose, table
from jobs.warehouse import open_warehouse
from jobs.warehouse.schema import Described, described
from schemas.tables import BY_NAME

_INTRODUCTION = """Read the **views**. They are right at any time: rows that newer ones replaced or retracted never
show, whether or not ClickHouse has merged its parts yet, and no `FINAL` is needed. The **tables** behind them hold a
row per version; their names end in `_rows`. All times are UTC with milliseconds. Scores are points from 0 to 100.

`perception warehouse tables` prints the same from a running warehouse."""


def render() -> str:
    """The page."""
    found = migrated()
    comments = _comments(found)
    views = [_section(one, comments) for one in found if one.kind == "view"]
    tables = [_section(one, comments) for one in found if one.kind == "table"]
    return page("Tables and views", _INTRODUCTION, "## Views", *views, "## Tables", *tables)


def migrated() -> list[Described]:
    """Views and tables of an empty embedded store after all migrations."""
    with tempfile.TemporaryDirectory() as folder, closing(open_warehouse(f"chdb://{Path(folder) / 'store'}")) as store:
        store.migrate()
        return described(store)


def _comments(found: Sequence[Described]) -> dict[str, str]:
    """Column name -> its comment, where all tables agree: a view that passes a column on says no more about it."""
    given: dict[str, set[str]] = {}
    for one in found:
        for name, _, comment in one.columns:
            if comment:
                given.setdefault(name, set()).add(comment)
    return {name: next(iter(comments)) for name, comments in given.items() if len(comments) == 1}


def _section(one: Described, comments: Mapping[str, str]) -> str:
    parts = [f"### {one.name}", prose(one.comment)]
    if one.name in BY_NAME:
        parts.append(f"One row per {codes(BY_NAME[one.name].identity)}.")
    if not one.columns:
        general = one.name.removesuffix("_at")
        return "\n\n".join([*parts, f"Takes a moment; its columns are those of [{general}](#{general})."])
    rows = [
        (code(name), code(kind), prose(comment or _meaning(one.name, name, comments)))
        for name, kind, comment in one.columns
    ]
    return "\n\n".join([*parts, table(["Column", "Type", "Meaning"], rows)])


def _meaning(view: str, column: str, comments: Mapping[str, str]) -> str:
    meaning = IN_VIEW.get((view, column)) or CALCULATED.get(column) or comments.get(column)
    if not meaning:
        raise UndocumentedError(f"{view}.{column}")
    return meaning
