"""A real log of complaints with a known surge, through replay and detection as a user runs them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, Final

from jobs import sources
from jobs.alerts.simulate import Plan, simulate
from jobs.replay import Plan as ReplayPlan
from jobs.replay import prepare, replay
from jobs.settings import Settings
from jobs.warehouse import open_warehouse
from pipeline.policy import DAY_MS, Policy
from tests.evaluate.verdicts import verdict

NAME: Final = "comcast_complaints_2015"
FOLDER: Final = Path(os.environ.get("PERCEPTION_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
_NOW_MS: Final = 1_767_225_600_000
"""2026-01-01: after everything."""
_WEEKS: Final = 10.3
"""From April 1 to June 11: the quiet ones."""


def complaints() -> None:
    """The surge of June 23 and 24 is one of contacts, and the weeks before June 12 are quiet."""
    path = FOLDER / f"{NAME}.csv.gz"
    print(f"\n{NAME}, replayed as complaints")
    if not path.is_file():
        print(f"  skipped: there is no {path.name} in {FOLDER} (PERCEPTION_TEST_DATA names the folder)")
        return
    alerts = _alerts(path)
    for one in alerts:
        worse = "; ".join(f"{more['size']:.1f} times at {more['at']}" for more in one["worse_at"])
        print(f"  {one['at']}  {one['state']}, {one['scope']}, {one['size']:.1f} times since {one['since']}; {worse}")
    steps = [(one["at"], one["size"]) for one in alerts] + [
        (more["at"], more["size"]) for one in alerts for more in one["worse_at"]
    ]
    found = [at for at, size in steps if "2015-06-23" < at <= "2015-06-25" and size >= 4]
    verdict("the surge of June 23-24 is told, at least 4 times the usual", ", ".join(found) or "no", met=bool(found))
    others = [one["state"] for one in alerts if one["state"] != "surge of contacts"]
    verdict("as a surge of contacts, not a drop", f"{len(others)} of other states", met=not others)
    early = [one["at"] for one in alerts if one["at"] < "2015-06-12"]
    verdict(f"{_WEEKS} quiet weeks before June 12 are quiet", f"{len(early)} alerts", met=not early)


def _alerts(path: Path) -> list[dict[str, Any]]:
    settings = Settings(policy=Policy(lateness_ms=400 * DAY_MS))
    with tempfile.TemporaryDirectory() as folder:
        store = open_warehouse(f"chdb://{folder}/store")
        try:
            prepare(store, replace=False)
            replay(sources.read([path], NAME), store, settings, ReplayPlan(_NOW_MS, partitions=2))
            found: list[dict[str, Any]] = simulate(store, Plan(0, _NOW_MS, ("hour", "day"), 7.0))["alerts"]
        finally:
            store.close()
    return found
