"""Goals beside what was measured: every line of an evaluation ends in "met" or "NOT met"."""

from __future__ import annotations


def verdict(goal: str, measured: str, *, met: bool) -> bool:
    """Print a goal with what was measured; returns ``met``."""
    print(f"  {'met    ' if met else 'NOT met'}  {goal}: {measured}", flush=True)
    return met
