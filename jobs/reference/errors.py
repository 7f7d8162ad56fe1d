"""Why a page cannot be written.

::

    ValueError
    └── UndocumentedError     something that a page lists has no description where it is declared

Operator action: write the description there, then run ``python -m jobs.reference`` again.
"""

from __future__ import annotations


class UndocumentedError(ValueError):
    """Something has no description."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has no description where it is declared")
        self.name = name
