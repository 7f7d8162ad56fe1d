"""Write the pages, or with ``--check`` say which are out of date: ``python -m jobs.reference [--check]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jobs.reference import commands, events, settings, tables, topics

FOLDER: Final = Path(__file__).parents[2] / "docs"
PAGES: Final = {
    "settings.md": settings.render,
    "tables.md": tables.render,
    "events.md": events.render,
    "topics.md": topics.render,
    "cli.md": commands.render,
}


def drifted(folder: Path) -> dict[Path, str]:
    """Pages that are missing, or differ from what the code says, with what they should be."""
    pages = {folder / name: render() for name, render in PAGES.items()}
    return {path: text for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what differs, or with ``--check`` name it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m jobs.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pages are")
    given = parser.parse_args(arguments)
    stale = drifted(given.folder)
    for path, text in stale.items():
        if given.check:
            sys.stderr.write(f"{path.name} is out of date: run python -m jobs.reference\n")
        else:
            path.write_text(text, encoding="utf-8")
    return 1 if stale and given.check else 0


if __name__ == "__main__":
    sys.exit(main())
