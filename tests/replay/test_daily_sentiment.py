"""A series of means without behaviour, as a stranger runs it: a file, the shipped mapping, replay, list, simulate."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jobs.cli import main

COMPANIES = ("acme", "borealis", "cumulus", "fjord")
BAD = date(2024, 4, 18)


def written(folder: Path) -> Path:
    """Sixty days of four companies with days left out; one is bad on one day."""
    chance = random.Random(4)
    lines = ["date,company,sentiment,mentions"]
    for day in (date(2024, 3, 4) + timedelta(days) for days in range(60)):
        for company in COMPANIES:
            bad = (company, day) == ("cumulus", BAD)
            if bad or chance.random() > 0.1:
                value = chance.gauss(-0.7 if bad else 0.2, 0.07)
                lines.append(f"{day},{company},{value:.3f},{chance.randrange(20, 90)}")
    path = folder / "sentiment.csv"
    path.write_text("\n".join([*lines, "2024-05-03,acme,,3"]) + "\n")
    return path


def run(*arguments: str) -> Any:
    """What a command prints with --json."""
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


@pytest.fixture
def replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The counts of a replay that may alert on one customer."""
    monkeypatch.setenv("PERCEPTION_WAREHOUSE__URL", f"chdb://{tmp_path}/store")
    monkeypatch.setenv("PERCEPTION_ALERTS__CUSTOMERS", "1")
    made: dict[str, Any] = run("replay", str(written(tmp_path)), "--select", "daily_sentiment", "--quiet")
    return made


def test_the_alert_names_the_company_and_the_day(replayed: dict[str, Any]) -> None:
    assert sum(replayed["rejected"].values()) == 1
    told = run("alerts", "list")
    assert [(one["detector"], one["scope"], one["since"][:10]) for one in told] == [
        ("drop", "touchpoint=cumulus", str(BAD))
    ]
    dry = run("alerts", "simulate")["alerts"]
    assert [(one["state"], one["scope"], one["since"][:10]) for one in dry] == [
        ("drop", "touchpoint=cumulus", str(BAD))
    ]
    assert run("alerts", "simulate", "--customers", "10")["alerts"] == []


def test_too_few_customers_for_any_alert_are_said(replayed: dict[str, Any]) -> None:
    said = CliRunner().invoke(main, ["alerts", "simulate", "--customers", "10"]).output
    assert "PERCEPTION_ALERTS__CUSTOMERS" in said
    assert "PERCEPTION_ALERTS__CUSTOMERS" not in CliRunner().invoke(main, ["alerts", "simulate"]).output
