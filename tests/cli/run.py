"""Run commands as a shell does."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result

from jobs.cli import main


def run(*arguments: str, code: int = 0, **environment: str) -> Result:
    """The command's result; fails the test if it ends with another exit code."""
    result = CliRunner().invoke(main, arguments, env=environment, prog_name="perception")
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result


def run_json(*arguments: str, code: int = 0, **environment: str) -> Any:
    """What the command prints with --json."""
    return json.loads(run(*arguments, "--json", code=code, **environment).stdout)
