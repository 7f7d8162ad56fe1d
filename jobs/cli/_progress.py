"""Progress of a stream of unknown length, on standard error so that standard output stays a result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Records per second so far."""
        return Text(f"{task.completed / max(task.elapsed or 0.0, 1e-3):,.0f}/s")


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """A function to call with the number of records just done; on a terminal, shows their count, rate and the time."""
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:,.0f} records"), _Rate())
    console = Console(stderr=True, quiet=quiet)
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda count: bar.advance(task, count)
