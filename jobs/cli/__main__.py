"""``python -m jobs.cli`` is ``perception``."""

from __future__ import annotations

from jobs.cli import main

if __name__ == "__main__":
    main()
