"""``perception replay``: archives through the pipeline into a warehouse, without Kafka."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from jobs.cli._input import input_options, open_input
from jobs.cli._options import Duration, Instant, examples, json_option, print_json

if TYPE_CHECKING:
    from jobs.replay import Plan, Totals
    from jobs.settings import Settings
    from pipeline.batch import Flush
    from pipeline.model import Model

_NEXT: Final = "SELECT * FROM perception_index"


@click.command(
    "replay",
    epilog=examples(
        "perception replay events.ndjson.gz",
        "perception replay incident_event_log.csv.gz --select uci_incident_event_log --lateness 365d",
        "perception replay events.ndjson.gz --model start --model fitted.toml",
        "perception replay orders.parquet --select orders.sql --warehouse clickhouse://default@localhost/cx --json",
    ),
)
@input_options
@click.option("--warehouse", metavar="URL", help="Where rows go. [default: PERCEPTION_WAREHOUSE__URL]")
@click.option(
    "--model",
    "model_files",
    multiple=True,
    metavar="FILE",
    help="Model file; give two to compare them. [default: PERCEPTION_MODEL__FILE]",
)
@click.option("--most", default=10, type=click.IntRange(0), help="With two models: customers to list.")
@click.option("--partitions", type=click.IntRange(1, 10_000), help="As of the topic. [default: …_KAFKA__PARTITIONS]")
@click.option("--lateness", type=Duration(), help="Allowed lateness, like 36h. [default: …_POLICY__LATENESS]")
@click.option("--batch", default=20_000, type=click.IntRange(1), help="Records of a partition in one flush.")
@click.option("--now", type=Instant(), help="Time that events may not lie far after. [default: the clock's]")
@click.option("--replace", "replace_rows", is_flag=True, help="Delete the rows that the warehouse holds.")
@click.option("--alerts/--no-alerts", default=None, help="Detect at the end. [default: PERCEPTION_ALERTS__ENABLED]")
@click.option("--quiet", is_flag=True, help="No progress.")
@json_option
def command(
    *,
    files: tuple[Path, ...],
    select: str | None,
    file_format: str | None,
    warehouse: str | None,
    model_files: tuple[str, ...],
    most: int,
    partitions: int | None,
    lateness: int | None,
    batch: int,
    now: int | None,
    replace_rows: bool,
    alerts: bool | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run events from files through the pipeline into a warehouse: no Kafka, same tables.

    FILE is NDJSON of events (plain, gzip, bzip2, xz; - is standard input), or with --select anything that
    ClickHouse reads: CSV, TSV, Parquet, JSON, Arrow, compressed or not. The SELECT reads from `input`; its columns
    are event fields, its ORDER BY is the order of arrival. Text tables have every column a String. SET statements
    before the SELECT hold for reading too: SET format_csv_delimiter = ';'; SELECT …

    With --model A --model B nothing is written: the log is scored with both, and who moves most is listed with the
    reasons, which add up to the scores. The word "start" stands for the start model.
    """
    from jobs.cli._progress import progress
    from jobs.models import chosen_model
    from jobs.replay import Plan, prepare, replay, rows
    from jobs.settings import ModelSettings, load
    from jobs.warehouse import open_warehouse

    settings = _chosen(load(), lateness, alerts=alerts)
    plan = Plan(now if now is not None else time.time_ns() // 1_000_000, partitions or settings.kafka.partitions, batch)
    if len(model_files) > 1:
        _compare(Log(files, select, file_format), model_files, warehouse, settings, plan, most, as_json=as_json)
        return
    if model_files:
        settings = settings.model_copy(update={"model": ModelSettings(file=model_files[0])})
    model = chosen_model(settings)
    chunks = open_input(files, select, file_format)
    store = open_warehouse(
        warehouse or settings.warehouse.url,
        cluster=settings.warehouse.cluster,
        timeout_s=settings.warehouse.send_receive_timeout_s,
    )
    try:
        prepare(store, replace=replace_rows, model=model)
        began = time.perf_counter()
        with progress("replay", quiet=quiet) as advance:
            totals = replay(chunks, store, settings, plan, advance)
        seconds = time.perf_counter() - began
        summary = {
            **_counts(totals, seconds),
            "rows": dict(rows(store)),
            "model": model.version,
            "warehouse": store.url,
        }
    finally:
        store.close()
    print_json(summary) if as_json else _print(summary)


def _counts(totals: Totals, seconds: float) -> dict[str, Any]:
    events = totals.counts["events"]
    return {
        "events": events,
        "records": totals.records,
        "seconds": round(seconds, 3),
        "events_per_second": round(events / seconds, 1),
        "rejected": dict(sorted(totals.rejected.items())),
        **{name: totals.counts[name] for name in ("late", "duplicates", "conflicts")},
    }


class Log(NamedTuple):
    """Where events come from."""

    files: tuple[Path, ...]
    select: str | None
    file_format: str | None


def _chosen(settings: Settings, lateness: int | None, *, alerts: bool | None) -> Settings:
    """The settings with what the command line says."""
    if lateness is not None:
        settings = settings.model_copy(update={"policy": replace(settings.policy, lateness_ms=lateness)})
    if alerts is not None:
        settings = settings.model_copy(update={"alerts": settings.alerts.model_copy(update={"enabled": alerts})})
    return settings


def _compare(
    log: Log,
    names: tuple[str, ...],
    warehouse: str | None,
    settings: Settings,
    plan: Plan,
    most: int,
    *,
    as_json: bool,
) -> None:
    from rich.console import Console

    from jobs import versions
    from jobs.errors import WrongUseError
    from jobs.models import read
    from jobs.replay import flushes
    from pipeline.model import DEFAULT_MODEL

    if len(names) > 2 or warehouse is not None or Path("-") in log.files:
        raise WrongUseError(
            "two models are compared in memory, from files that can be read again",
            action="Give --model twice, no --warehouse, and files rather than standard input.",
        )
    first, second = (DEFAULT_MODEL if name == "start" else read(Path(name)) for name in names)

    def run(model: Model) -> Iterator[Flush]:
        return (flush for _, flush in flushes(open_input(*log), settings, plan, model))

    done = versions.compare(run, (first, second), most)
    print_json(versions.as_json(done)) if as_json else versions.show(done, Console(highlight=False))


def _print(summary: Mapping[str, Any]) -> None:
    rejected = sum(summary["rejected"].values())
    click.echo(
        f"{summary['events']:,} events in {summary['seconds']:.1f} s ({summary['events_per_second']:,.0f}/s), "
        f"{rejected:,} rejected, {summary['late']:,} late, {summary['duplicates']:,} duplicates"
    )
    for reason, count in summary["rejected"].items():
        click.echo(f"  rejected, {reason}: {count:,}")
    for view, count in summary["rows"].items():
        click.echo(f"  {view}: {count:,} rows")
    click.echo(f"Next: perception query --warehouse {summary['warehouse']} {_NEXT!r}")
