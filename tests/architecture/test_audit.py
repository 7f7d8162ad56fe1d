"""The audit of dependencies: what pip-audit reports is judged, and what it cannot find out is said, not passed over."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from tests.architecture.audit import Audit, audit, judged, told

CLEAN = {"name": "good", "version": "1.0", "vulns": []}
FLAWED = {"name": "bad", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"], "aliases": []}]}
SKIPPED = {"name": "odd", "skip_reason": "Dependency not found on PyPI and could not be audited: odd (3.0)"}


def test_a_vulnerable_pin_is_named_with_its_fix() -> None:
    found = judged({"dependencies": [CLEAN, FLAWED], "fixes": []})
    assert found == Audit(2, ["bad 2.0: PYSEC-1, fixed in 2.1"], [])
    assert found.complete
    assert "NOT AUDITED" not in told("lock", found)


def test_a_registry_without_data_is_said_loudly() -> None:
    found = judged({"dependencies": [CLEAN, SKIPPED], "fixes": []})
    assert not found.complete
    assert "NOT AUDITED: lock: the registry has no data about 1 pins" in told("lock", found)


@pytest.mark.skipif(importlib.util.find_spec("pip_audit") is None, reason="pip-audit is not installed")
def test_a_registry_that_does_not_answer_is_said_loudly(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(f"six==1.16.0 --hash=sha256:{'0' * 64}\n")
    away = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    found = audit(lock, away)
    assert found.audited == 0
    assert not found.complete
    assert "NOT AUDITED" in told("lock", found)


def test_a_missing_tool_is_said_loudly(tmp_path: Path) -> None:
    found = audit(tmp_path / "no lock", {**os.environ, "PYTHONPATH": "", "PATH": ""})
    assert found.trouble
    assert "NOT AUDITED" in told("lock", found)
