"""`perception alerts list` and `show` over rows as the worker writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.warehouse import Warehouse, open_warehouse
from schemas.alert import Cause, alert_columns
from schemas.tables import BY_NAME
from tests.cli.run import run, run_json
from tests.notify.alerts import HOUR_MS, SINCE, transition
from tests.warehouse.rows import blank

pytestmark = pytest.mark.leaves_threads(reason="chDB keeps its threads")
CAUSE = Cause(verdict="real fall", real=7.0, contributions=({"scope": {"segment": "new"}, "points": 6.0},))


def fill(store: Warehouse) -> None:
    told = [transition(), transition(sequence=2, state="resolved", reason="back to usual", cause=CAUSE)]
    speaker = told[0].alert_id
    leaf = transition("web", parent=speaker)
    pending = transition("tv", state="pending")
    later = transition("shop", since_ms=SINCE + HOUR_MS, detector="surge", kind="contacts", size=3.0)
    store.insert("alert_rows", alert_columns([*told, leaf, pending, later]))


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    address = f"chdb://{tmp_path / 'store'}"
    store = open_warehouse(address)
    store.migrate()
    fill(store)
    store.close()
    yield address


def test_it_lists_what_pages_the_latest_first(url: str) -> None:
    found = run_json("alerts", "list", "--warehouse", url)
    assert [(one["scope"], one["state"]) for one in found] == [("channel=shop", "firing"), ("channel=app", "resolved")]
    assert found[1]["at"] == "2024-06-10T08:00:00Z"
    lines = run("alerts", "list", "--warehouse", url).stdout.splitlines()
    assert lines[-1] == "2 alerts"
    assert "3.0 times the usual" in lines[0]


def test_it_lists_alerts_about_customers(url: str) -> None:
    store = open_warehouse(url)
    told = (("ann", "low_nps", SINCE), ("bob", "low_csat", SINCE + 1))
    for name, kind, since in told:
        more = {"customer_id": name, "alert_id": name * 10, "kind": kind, "dimensions": "[]", "since_at": since}
        store.insert("customer_alert_rows", blank(BY_NAME["customer_alert_rows"], 1, **more))
    store.close()
    found = run_json("alerts", "list", "--customers", "--warehouse", url)
    assert [(one["customer_id"], one["kind"], one["dimensions"]) for one in found] == [
        ("bob", "low_csat", []),
        ("ann", "low_nps", []),
    ]
    assert "customer=bob" in run("alerts", "list", "--customers", "--warehouse", url).stdout


def test_it_lists_what_was_asked_for(url: str) -> None:
    def channels(*arguments: str) -> list[str]:
        return [one["labels"]["channel"] for one in run_json("alerts", "list", "--warehouse", url, *arguments)]

    assert channels("--state", "firing") == ["shop"]
    assert set(channels("--all")) == {"shop", "app", "web", "tv"}
    assert channels("--since", "2024-06-10T07:00:00Z") == ["shop"]
    assert channels("--limit", "1") == ["shop"]


def test_it_shows_one_with_its_transitions_and_its_cause(url: str) -> None:
    alert_id = transition().alert_id
    found = run_json("alerts", "show", alert_id[:8], "--warehouse", url)
    assert [(one["sequence"], one["state"]) for one in found["transitions"]] == [(1, "firing"), (2, "resolved")]
    assert found["speaks_for"] == [transition("web").alert_id]
    assert found["cause"]["contributions"][0]["points"] == 6.0
    printed = run("alerts", "show", alert_id, "--warehouse", url).stdout
    assert "cause: real fall; 7 points real fall" in printed
    assert "back to usual" in printed


@pytest.mark.parametrize("wrong", ["ffff", ""])
def test_it_says_which_ids_there_are_not(url: str, wrong: str) -> None:
    assert "alerts list --all" in run("alerts", "show", wrong, "--warehouse", url, code=2).stderr
