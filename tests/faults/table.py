"""The matrix as one table, and what in it must not be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from tests.faults.case import Case
from tests.faults.contenders import CONTENDERS
from tests.faults.rig import Cell

Cells = Mapping[tuple[str, str], Cell | str]
"""By name of fault and contender; a text is a run that broke."""


def rendered(cases: Sequence[Case], contenders: Sequence[str], cells: Cells) -> str:
    """Markdown: one row per fault; lost, doubled and seconds of each contender."""
    heads = [f"{CONTENDERS[name]}: {what}" for name in contenders for what in ("lost", "doubled", "s")]
    lines = [f"| Fault | {' | '.join(heads)} |", "| --- |" + " ---: |" * len(heads)]
    for case in cases:
        values = [value for contender in contenders for value in _values(cells[case.name, contender])]
        lines.append(f"| {case.title} | {' | '.join(values)} |")
    return "\n".join(lines)


def _values(cell: Cell | str) -> tuple[str, str, str]:
    if isinstance(cell, str):
        return cell, "", ""
    return f"{cell.lost:,}", f"{cell.doubled:,}", "never" if cell.seconds is None else f"{cell.seconds:.0f}"


def line(case: Case, contender: str, cell: Cell | str) -> str:
    """One cell as a line of JSON."""
    known = {"fault": case.name, "title": case.title, "contender": contender}
    return json.dumps(known | ({"error": cell} if isinstance(cell, str) else asdict(cell)))


def failures(cases: Sequence[Case], cells: Cells) -> list[str]:
    """Cells of ours that are not clean, and controls that pass where they must fail (then the check is worthless)."""
    wrong = []
    for case in cases:
        ours, stock = cells.get((case.name, "ours")), cells.get((case.name, "stock"))
        if ours is not None and not (isinstance(ours, Cell) and ours.clean):
            wrong.append(f"{case.name}: {ours}")
        if case.control_fails and isinstance(stock, Cell) and not stock.lost + stock.doubled:
            wrong.append(f"{case.name}: the control passes, so the check is worthless")
    return wrong
