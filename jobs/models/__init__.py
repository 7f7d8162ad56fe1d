"""The perception model as a TOML file: complete, checked, and versioned by its values."""

from jobs.models.chosen import chosen_model
from jobs.models.reading import parse, read
from jobs.models.writing import dump

__all__ = ["chosen_model", "dump", "parse", "read"]
