"""Two versions of the model over one log: who moves most between them, and why."""

from jobs.versions.comparison import Comparison, Move, Reason, compare
from jobs.versions.printing import as_json, show

__all__ = ["Comparison", "Move", "Reason", "as_json", "compare", "show"]
