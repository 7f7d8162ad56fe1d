"""An evaluation for a terminal and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from jobs.evaluate.evaluation import Evaluation, Fifth, Unit
from jobs.evaluate.figures import Figures

_NAMES: Final = tuple(field.name for field in fields(Figures))


def as_json(done: Evaluation) -> dict[str, Any]:
    """All figures; null where one cannot be said."""
    found: dict[str, Any] = _plain(asdict(done))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show(done: Evaluation, out: Console) -> None:
    """Points first, then every scale in its own units, then calibration by evidence."""
    _overall("all answers, score points", done.points, out)
    for name, unit in done.scales.items():
        _overall(f"{name}, its own units", unit, out)
    _by_evidence(done.points.fifths, out)
    if done.points.folds:
        _by_fold(done.points, out)


def _overall(title: str, unit: Unit, out: Console) -> None:
    table = _table(title, "", *_NAMES)
    for name, figures in unit.overall.items():
        table.add_row(name.replace("_", " "), *_texts(figures))
    out.print(table)


def _by_evidence(fifths: Sequence[Fifth], out: Console) -> None:
    table = _table("perception by fifth of evidence, score points", "evidence", *_NAMES)
    for fifth in fifths:
        table.add_row(f"{fifth.least:.2f}-{fifth.most:.2f}", *_texts(fifth.figures["perception"]))
    out.print(table)


def _by_fold(unit: Unit, out: Console) -> None:
    table = _table("perception by fold of customers, score points", "fold", *_NAMES)
    for number, figures in enumerate(unit.folds):
        table.add_row(str(number), *_texts(figures["perception"]))
    out.print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(*columns, title=title, title_justify="left", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _texts(figures: Figures) -> list[str]:
    return [f"{figures.n:,}", *(_text(getattr(figures, name)) for name in _NAMES[1:])]


def _text(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "-"
