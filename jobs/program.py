"""How the user calls this program, so that a command we print can be typed as it is."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def program() -> str:
    """``perception`` where it is on the path, else the script that runs, relative to here."""
    if shutil.which("perception"):
        return "perception"
    script = Path(sys.argv[0])
    if script.name != "perception":
        return "perception"
    here = Path.cwd()
    return str(script.relative_to(here)) if script.is_relative_to(here) else str(script)
