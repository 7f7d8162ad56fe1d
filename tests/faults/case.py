"""What a fault is: a function that breaks something in the middle of a run, and what is known about it beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Subject = Literal["counts", "tables"]
"""``counts``: records per key, rows in a file, made for speed; ``tables``: the real job and a real warehouse, with
late events that change identities after the fault; the control makes sessions."""


@dataclass(frozen=True, slots=True)
class Case:
    """One fault."""

    run: Callable[[Any], None]
    subject: Subject = "counts"
    brokers: int = 1
    control_fails: bool = False
    """ARCHITECTURE lists that a stock agent loses or doubles here: if it does not, the check is worthless."""
    poison: float = 0.0
    """Share of records that no program can read."""
    per_second: int = 0
    """Pace of the load, if the fault lasts; 0 = the usual."""
    clock: bool = False
    """Events of now, and some from a producer whose clock is a year ahead."""
    disk_mb: int = 0
    """Size of the warehouse's own disk; 0 = no disk of its own."""

    @property
    def name(self) -> str:
        """For the command line."""
        return self.run.__name__

    @property
    def title(self) -> str:
        """What the table calls it."""
        return (self.run.__doc__ or "").strip()


def fault(**known: Any) -> Callable[[Callable[[Any], None]], Case]:
    """Make a :class:`Case` of a function."""
    return lambda run: Case(run, **known)
