"""A comparison for a terminal and as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs.versions.collected import LONG
from jobs.versions.comparison import Comparison, Move, Reason
from schemas.tables import DIMENSIONS

_REASONS = 5
"""Reasons to print of each customer; JSON has all."""


def as_json(done: Comparison) -> dict[str, Any]:
    """Everything, by horizon and dimension."""
    return {
        "models": list(done.versions),
        "customers": done.customers,
        "at": datetime.fromtimestamp(done.at_ms / 1_000, UTC).isoformat(),
        "mean_difference": _named(done.mean),
        "mean_absolute_difference": _named(done.spread),
        "moves": [_move(one) for one in done.moves],
    }


def _move(move: Move) -> dict[str, Any]:
    return {
        "customer_id": move.customer_id,
        "before": _named(move.before),
        "after": _named(move.after),
        "reasons": [_reason(one) for one in move.reasons],
    }


def _reason(reason: Reason) -> dict[str, Any]:
    started = None if reason.started_ms is None else datetime.fromtimestamp(reason.started_ms / 1_000, UTC).isoformat()
    return {"what": reason.what, "at": started, "before": _named(reason.before), "after": _named(reason.after)}


def _named(values: NDArray[Any]) -> dict[str, dict[str, float]]:
    return {
        horizon: dict(zip(DIMENSIONS, (float(value) for value in row), strict=True))
        for horizon, row in zip(LONG, values, strict=True)
    }


def show(done: Comparison, out: Console) -> None:
    """What differs over all customers, then the customers who move most with their reasons."""
    before, after = map(escape, done.versions)
    out.print(f"{before} -> {after}, {done.customers:,} customers, points", highlight=False)
    table = _table("all customers", "")
    for place, horizon in enumerate(LONG):
        table.add_row(f"{horizon}: mean difference", *(f"{value:+.2f}" for value in done.mean[place]))
        table.add_row(f"{horizon}: mean absolute difference", *(f"{value:.2f}" for value in done.spread[place]))
    out.print(table)
    for move in done.moves:
        out.print(_moved(move))


def _moved(move: Move) -> Table:
    table = _table(escape(move.customer_id), "")
    for place, horizon in enumerate(LONG):
        pairs = zip(move.before[place], move.after[place], strict=True)
        table.add_row(f"{horizon}: score", *(f"{one:.1f} -> {other:.1f}" for one, other in pairs))
        for reason in move.reasons[:_REASONS]:
            off = reason.after[place] - reason.before[place]
            if any(abs(value) >= 0.05 for value in off):
                table.add_row(f"  {_when(reason)}{escape(reason.what)}", *(f"{value:+.1f}" for value in off))
    return table


def _when(reason: Reason) -> str:
    return "" if reason.started_ms is None else f"{datetime.fromtimestamp(reason.started_ms / 1_000, UTC):%d %b %Y} "


def _table(title: str, *columns: str) -> Table:
    table = Table(
        *columns, *(name.replace("_", " ") for name in DIMENSIONS), title=title, title_justify="left", box=None
    )
    for column in table.columns[1:]:
        column.justify = "right"
    return table
