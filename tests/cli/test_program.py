"""Commands that we print can be typed as they are."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jobs.program import program


def test_on_the_path_it_is_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "perception"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program() == "perception"


def test_off_the_path_it_is_the_script_from_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / ".venv" / "bin" / "perception"), "demo"])
    assert program() == ".venv/bin/perception"
