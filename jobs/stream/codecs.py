"""Faust's codecs without those that run what they read: a record must never be able to name one."""

from __future__ import annotations

from typing import Final

from faust.serializers import codecs

PLAIN: Final = frozenset({"binary", "json", "raw"})
"""Base64, JSON, and bytes as they are. The job itself uses bytes."""


def forbid_executable_codecs() -> None:
    """Forget pickle and its variants, YAML, and whatever else a library has registered, for the whole process."""
    for name in set(codecs.codecs) - PLAIN:
        del codecs.codecs[name]
