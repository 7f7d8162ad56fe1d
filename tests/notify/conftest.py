from __future__ import annotations

from tests.cli.conftest import broker

__all__ = ["broker"]
