"""Limits of one record: whatever arrives, the work for it and the space it takes are bounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DEEPEST: Final = 64
LARGEST_NUMBER: Final = 2.0**53
"""Beyond this a float64 no longer holds every whole number."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a record may measure at most. A record at the limit is accepted, one beyond it is rejected.

    Every field has an example at and beyond it in ``schemas/examples``.

    Raises ``ValueError`` if a limit is not positive, or greater than what the pipeline can hold.
    """

    max_bytes: int = 256 * 1024
    """Size of a record's value, bytes."""
    max_depth: int = 8
    """Nesting of objects and arrays; the event itself is depth 1."""
    max_id_chars: int = 256
    """Length of event_id, customer_id, interaction_id and journey_id, Unicode code points."""
    max_label_chars: int = 128
    """Length of every other text field and of the names in measures and attributes, code points."""
    max_text_chars: int = 1024
    """Length of the values in attributes, code points."""
    max_measures: int = 64
    """Entries in measures."""
    max_attributes: int = 64
    """Entries in attributes."""
    max_number: float = 1e15
    """Magnitude of amount, of durations, of answers and of the values in measures."""
    max_scale_span: float = 1000.0
    """Distance from the lowest to the highest answer of a scale."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)!r}")
        if self.max_depth > DEEPEST:
            raise ValueError(f"max_depth must be at most {DEEPEST}, not {self.max_depth}")
        if self.max_number > LARGEST_NUMBER:
            raise ValueError(f"max_number must be at most {LARGEST_NUMBER:.0f}, not {self.max_number}")


DEFAULT_LIMITS: Final = Limits()
