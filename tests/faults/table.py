"""The matrix as one table, and what in it must not be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.faults.contenders import CONTENDERS
from tests.faults.rig import Cell

Cells = Mapping[tuple[str, str], Cell | str]
"""By name of fault and contender; a text is a run that broke."""


def rendered(faults: Sequence[tuple[str, str]], contenders: Sequence[str], cells: Cells) -> str:
    """Markdown: one row per fault; lost, doubled and seconds of each contender."""
    heads = [f"{CONTENDERS[name].title}: {what}" for name in contenders for what in ("lost", "doubled", "s")]
    lines = [f"| Fault | {' | '.join(heads)} |", "| --- |" + " ---: |" * len(heads)]
    for name, title in faults:
        values = [value for contender in contenders for value in _values(cells[name, contender])]
        lines.append(f"| {title} | {' | '.join(values)} |")
    return "\n".join(lines)


def _values(cell: Cell | str) -> tuple[str, str, str]:
    if isinstance(cell, str):
        return cell, "", ""
    return f"{cell.lost:,}", f"{cell.doubled:,}", "never" if cell.seconds is None else f"{cell.seconds:.0f}"


def failures(cells: Cells, *, control: bool) -> list[str]:
    """Cells of ours that are not clean; with ``control``, also a stock agent that nothing breaks."""
    wrong = [
        f"{fault}: {cell}"
        for (fault, name), cell in cells.items()
        if name == "ours" and not (isinstance(cell, Cell) and cell.clean)
    ]
    stock = [cell for (_, name), cell in cells.items() if name == "stock"]
    if control and all(isinstance(cell, Cell) and cell.clean for cell in stock):
        wrong.append("the control never failed: the check is worthless")
    return wrong
