"""`perception replay` and `perception compare`: what they print, refuse and leave."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.replay import VIEWS
from tests.cli.run import run, run_json
from tests.replay.files import ORDERS, ORDERS_SQL, write

EVENT = {"event_id": "e1", "customer_id": "c1", "occurred_at": "2026-01-01T00:00:00Z", "type": "call"}
NOW = "2026-01-02T00:00:00Z"


@pytest.fixture
def events(tmp_path: Path) -> Path:
    lines = [EVENT, EVENT, EVENT | {"event_id": "e2", "occurred_at": "2025-12-30T00:00:00Z"}, {"type": "call"}]
    return write(tmp_path / "events.ndjson", "\n".join(json.dumps(line) for line in lines) + "\nnot json\n")


def test_the_summary(events: Path, tmp_path: Path) -> None:
    url = f"chdb://{tmp_path}/store"
    summary = run_json("replay", str(events), "--warehouse", url, "--now", NOW, "--partitions", "1")
    assert summary["seconds"] > 0 < summary["events_per_second"]
    assert summary["rejected"] == {"missing_field": 1, "not_json": 1}
    counts = ("records", "events", "duplicates", "late", "conflicts")
    assert {name: summary[name] for name in counts} == dict(zip(counts, (5, 1, 1, 1, 0), strict=True))
    assert set(summary["rows"]) == set(VIEWS)
    assert (summary["rows"]["events"], summary["rows"]["late"], summary["rows"]["rejected"]) == (1, 1, 2)
    assert summary["warehouse"] == url


def test_lateness_and_now_are_arguments(events: Path, tmp_path: Path) -> None:
    url = f"chdb://{tmp_path}/store"
    arguments = ("replay", str(events), "--warehouse", url, "--partitions", "1")
    assert run_json(*arguments, "--lateness", "3d", "--now", NOW)["late"] == 0
    future = run_json(*arguments, "--now", "2024-01-01T00:00:00+01:00", "--replace")
    assert future["rejected"]["far_future"] == 3
    assert run("replay", str(events), "--now", "2024-01-01", code=2).output.count("Z for UTC") == 1
    assert "is not a duration" in run("replay", str(events), "--lateness", "soon", code=2).output


def test_a_second_replay_needs_replace_and_then_starts_anew(events: Path, tmp_path: Path) -> None:
    arguments = ("replay", str(events), "--warehouse", f"chdb://{tmp_path}/store", "--now", NOW, "--partitions", "1")
    first = run_json(*arguments)
    refused = run(*arguments, code=2)
    assert "--replace" in refused.stderr
    again = run_json(*arguments, "--replace")
    assert again["rows"] == first["rows"]


def test_a_mapping_and_text_output(tmp_path: Path) -> None:
    mapping, table = write(tmp_path / "orders.sql", ORDERS_SQL), write(tmp_path / "orders.csv", ORDERS)
    url = f"chdb://{tmp_path}/store"
    result = run("replay", str(table), "--select", str(mapping), "--warehouse", url, "--lateness", "30d")
    assert result.stdout.startswith("2 events in ")
    assert "  events: 2 rows\n" in result.stdout
    assert "perception query" in result.stdout


def test_a_wrong_input_leaves_no_store(tmp_path: Path) -> None:
    result = run("replay", str(tmp_path / "none.ndjson"), "--warehouse", f"chdb://{tmp_path}/store", code=2)
    assert "none.ndjson is not a file" in result.stderr
    assert not (tmp_path / "store").exists()


def test_compare_says_what_differs(events: Path, tmp_path: Path) -> None:
    one, other = f"chdb://{tmp_path}/one", f"chdb://{tmp_path}/other"
    run("replay", str(events), "--warehouse", one, "--now", NOW)
    run("replay", str(events), "--warehouse", other, "--now", NOW, "--batch", "1")
    assert run("compare", one, other, "--equal-order").output == "the tables are the same\n"
    run("replay", str(write(tmp_path / "e.ndjson", json.dumps(EVENT))), "--warehouse", other, "--replace")
    report = run_json("compare", one, other, code=1)
    assert report["equal"] is False
    assert any(text.startswith("rejected: 2 rows only in the first") for text in report["differences"])


def test_a_mapping_without_an_order_is_warned_of(tmp_path: Path) -> None:
    mapping = write(tmp_path / "m.sql", "-- ORDER BY is missing\nSELECT id AS event_id FROM input")
    arguments = ("--select", str(mapping), "--warehouse", f"chdb://{tmp_path}/store")
    result = run("replay", str(write(tmp_path / "orders.csv", ORDERS)), *arguments)
    assert "Warning: the mapping has no ORDER BY" in result.stderr
    assert "rejected, missing_field: 2" in result.stdout
