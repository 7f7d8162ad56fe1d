"""The demonstration end to end: the real pipeline, the embedded engine, and numbers that agree with each other."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from jobs.cli import main
from jobs.demo import questions
from jobs.demo.printing import WIDTH, show
from jobs.demo.run import Run, run
from jobs.demo.summarize import summarize
from jobs.demo.summary import Summary
from jobs.errors import NotEmptyError
from jobs.settings import Settings
from jobs.simulate import Scenario, simulate
from jobs.simulate.archive import write
from jobs.sources import ndjson
from jobs.warehouse import Warehouse, open_warehouse
from jobs.warehouse.sql import Plain
from tests.warehouse.rows import insert

SCENARIO = Scenario(customers=150, days=21, seed=11, bad_share=0.01)
TINY = Scenario(customers=25, days=3, seed=2)


class Quiet:
    """Watches without a word, but counts."""

    def __init__(self) -> None:
        self.records = 0
        self.until_ms = 0

    def simulated(self, until_ms: int) -> None:
        self.until_ms = until_ms

    def written(self, records: int) -> None:
        self.records += records


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Warehouse]:
    warehouse = open_warehouse(f"chdb://{tmp_path}/store")
    yield warehouse
    warehouse.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Summary, Quiet]:
    """One run, summarised, its store closed again."""
    warehouse = open_warehouse(f"chdb://{tmp_path_factory.mktemp('demo')}/store")
    try:
        watcher = Quiet()
        done = run(SCENARIO, warehouse, Settings(), watcher)
        return done, summarize(SCENARIO, warehouse, done), watcher
    finally:
        warehouse.close()


def test_every_record_went_somewhere(demo: tuple[Run, Summary, Quiet]) -> None:
    _, summary, watcher = demo
    flow = summary.flow
    assert flow.records == flow.events + flow.duplicates + flow.late + flow.rejected
    assert watcher.records == flow.records
    assert watcher.until_ms == SCENARIO.end_ms


def test_the_pipeline_found_what_the_simulator_hid(demo: tuple[Run, Summary, Quiet]) -> None:
    flow = demo[1].flow
    hidden = Counter(record.kind.partition(":")[0] for record in simulate(SCENARIO))
    assert flow.rejected == hidden["bad"]
    assert flow.events >= hidden["event"] + hidden["delayed"]
    assert 0 < flow.late <= hidden["late"] * 1.5
    assert flow.duplicates <= hidden["duplicate"] + hidden["conflict"]
    assert flow.conflicts <= hidden["conflict"]


def test_all_questions_go_to_documented_views() -> None:
    asked = [text for name, text in vars(questions).items() if name.isupper()]
    assert len(asked) >= 8
    assert not any("_rows" in text for text in asked)


def test_journeys_cross_channels(demo: tuple[Run, Summary, Quiet]) -> None:
    goals = {row.goal: row for row in demo[1].goals}
    assert {"fix_fault", "upgrade", "pay_bill"} <= set(goals)
    assert all(0 <= row.completed <= row.journeys for row in goals.values())
    assert " > " in goals["fix_fault"].path
    assert goals["fix_fault"].median_days > 0.5


def test_rejections_have_reasons(demo: tuple[Run, Summary, Quiet]) -> None:
    summary = demo[1]
    assert sum(row.records for row in summary.rejections) == summary.flow.rejected
    assert len(summary.rejections) >= 8
    assert all(row.reason and row.example for row in summary.rejections)


def test_index_has_intervals_around_scores(demo: tuple[Run, Summary, Quiet]) -> None:
    rows = demo[1].perception
    assert [row.dimension for row in rows] == ["meets_needs", "easy", "enjoyable"]
    for row in rows:
        assert 0 < row.index.low < row.index.score < row.index.high < 100
        assert 0 < row.stated_share < 1
        assert abs(row.index.score - row.truth) < 6


def test_the_incident_is_visible_in_cells(demo: tuple[Run, Summary, Quiet]) -> None:
    [struck] = demo[1].incidents
    before, during, after = struck.phases
    assert (before.phase, during.phase, after.phase) == ("7 days before", "during", "7 days after")
    assert during.interactions > 2 * before.interactions
    assert during.wait_s > 3 * before.wait_s
    for earlier, now in zip(before.scores[:2], during.scores[:2], strict=True):
        assert earlier is not None
        assert now is not None
        assert now.high < earlier.score - 1


def test_a_phase_with_one_interaction_has_no_interval(store: Warehouse) -> None:
    store.migrate()
    cell: dict[str, Any] = {"grain": "hour", "scope": "touchpoint", "touchpoint": "hotline", "bucket_at": TINY.start_ms}
    insert(store, "cell_rows", version=1, interactions=1, easy_n=1.0, easy_sum=60.0, easy_sumsq=3600.0, **cell)
    start = datetime.fromtimestamp(TINY.start_ms / 1_000, UTC)
    asked: dict[str, Plain] = {"touchpoint": "hotline", "start": start, "end": start + timedelta(days=1)}
    lines = {row["dimension"]: row for row in store.query(questions.PHASES, asked).dicts()}
    assert [lines["easy"][name] for name in ("score", "low", "high")] == [60.0, None, None]
    assert [lines["enjoyable"][name] for name in ("score", "low", "high")] == [None, None, None]


def test_failures_are_followed(demo: tuple[Run, Summary, Quiet]) -> None:
    rows = {row.reason: row for row in demo[1].recoveries}
    assert rows["network_outage"].fixed / rows["network_outage"].failures > 0.9
    assert 40 < rows["network_outage"].median_hours < 44
    assert all(row.fixed <= row.failures for row in rows.values())


def test_care_and_promises_are_counted(demo: tuple[Run, Summary, Quiet]) -> None:
    service = demo[1].service
    assert service.seen > 10
    assert service.unseen > 10
    assert 0 < service.kept < service.promised
    assert service.ads + service.recommendations + service.promises == demo[1].flow.one_way


def test_the_example_adds_up(demo: tuple[Run, Summary, Quiet]) -> None:
    why = demo[1].why
    assert why is not None
    assert why.prior + sum(line.points for line in why.lines) + why.rest == pytest.approx(why.mean, abs=1e-9)
    assert why.mean < why.prior
    assert why.lines


def test_prints_within_eighty_columns(demo: tuple[Run, Summary, Quiet], capsys: pytest.CaptureFixture[str]) -> None:
    show(demo[1], Console(width=WIDTH, highlight=False))
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= WIDTH
    assert not any("…" in line for line in lines)
    for title in ("Perception index", "Worst touchpoints", "The incident", "What was rejected", "Next"):
        assert any(line.startswith(title) for line in lines)


def test_again_gives_the_same_numbers_in_the_same_place(store: Warehouse) -> None:
    first = summarize(TINY, store, run(TINY, store, Settings(), Quiet()))
    again = summarize(TINY, store, run(TINY, store, Settings(), Quiet()))
    assert _rounded(replace(again, seconds=first.seconds, events_per_second=first.events_per_second)) == _rounded(first)


def _rounded(value: Any) -> Any:
    """The engine adds up in any order: the last digits of a mean may differ."""
    if is_dataclass(value):
        return [_rounded(getattr(value, one.name)) for one in fields(value)]
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return round(value, 9) if isinstance(value, float) else value


def test_does_not_delete_what_others_wrote(store: Warehouse) -> None:
    run(TINY, store, Settings(), Quiet())
    store.insert("event_rows", _somebody_elses(store))
    with pytest.raises(NotEmptyError):
        run(TINY, store, Settings(), Quiet())
    run(TINY, store, Settings(), Quiet(), replace=True)


def _somebody_elses(store: Warehouse) -> dict[str, list[object]]:
    row = store.query("SELECT * FROM event_rows LIMIT 1").dicts()[0]
    times = {name: int(row[name].timestamp() * 1_000) for name in ("occurred_at", "appended_at")}
    flags = dict.fromkeys(("visible", "resolved", "transfers", "severity"), -1)
    numbers = {
        n: float("nan") for n in ("wait_s", "promised_s", "duration_s", "amount", "value", "scale_min", "scale_max")
    }
    return {name: [value] for name, value in {**row, **times, **flags, **numbers, "event_id": "order-17"}.items()}


def test_a_file_gives_what_the_demo_gives(store: Warehouse, tmp_path: Path) -> None:
    from jobs.replay import Plan, prepare, replay, rows

    done = run(TINY, store, Settings(), Quiet())
    told = dict(rows(store))
    write(simulate(TINY), tmp_path / "events.ndjson.gz")
    prepare(store, replace=True)
    chunks = ndjson.read([tmp_path / "events.ndjson.gz"])
    totals = replay(chunks, store, Settings(), Plan(TINY.end_ms + 8 * 86_400_000))
    assert dict(rows(store)) == told
    assert (totals.records, totals.rejected) == (done.totals.records, done.totals.rejected)


def test_command_prints_json(tmp_path: Path) -> None:
    asked = ["demo", "--customers", "20", "--days", "3", "--json", "--warehouse", f"chdb://{tmp_path}/store"]
    result = CliRunner().invoke(main, asked, catch_exceptions=False)
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["customers"] == 20
    assert told["flow"]["customers"] <= 20
    assert len(told["perception"]) == 3


def test_simulate_command_writes_events_and_truth(tmp_path: Path) -> None:
    out, truth = tmp_path / "events.ndjson", tmp_path / "truth.ndjson"
    asked = ["simulate", "--customers", "20", "--days", "3", "--out", str(out), "--truth", str(truth)]
    result = CliRunner().invoke(main, asked, catch_exceptions=False)
    assert result.exit_code == 0
    assert "worst at technical_hotline" in result.stdout
    assert f"{len(out.read_bytes().splitlines()):,} records" in result.stdout
    kinds = Counter(json.loads(line)["kind"] for line in truth.read_text().splitlines())
    assert kinds["scenario"] == 1
    assert kinds["customer"] == 60
    assert kinds["interaction"] > 20
