"""``perception produce``: archives into Kafka."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import click

from jobs.cli._input import input_options, open_input
from jobs.cli._options import examples, json_option, print_json


@click.command(
    "produce",
    epilog=examples(
        "perception produce events.ndjson.gz",
        "perception produce events.ndjson --rate 500",
        "perception produce incident_event_log.csv.gz --select uci_incident_event_log --json",
    ),
)
@input_options
@click.option("--topic", help="Where to. [default: PERCEPTION_KAFKA__TOPIC]")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="At most so many records per second.")
@click.option("--quiet", is_flag=True, help="No progress.")
@json_option
def command(
    *,
    files: tuple[Path, ...],
    select: str | None,
    file_format: str | None,
    topic: str | None,
    rate: float | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Send events from files to the interactions topic, keyed by customer.

    The same input as `perception replay`: NDJSON, or anything ClickHouse reads with --select. Bad records are sent
    as they are: the worker rejects them with a reason, as it would any producer's.
    """
    from jobs.cli._progress import progress
    from jobs.produce import produce
    from jobs.settings import load

    kafka = load().kafka
    kafka = kafka.model_copy(update={"topic": topic or kafka.topic})
    chunks = open_input(files, select, file_format)
    began = time.perf_counter()
    with progress("produce", quiet=quiet) as advance:
        total = produce(chunks, kafka, rate, advance)
    seconds = time.perf_counter() - began
    if as_json:
        rates = {"seconds": round(seconds, 3), "records_per_second": round(total.records / seconds, 1)}
        print_json({"topic": kafka.topic, **asdict(total), **rates})
        return
    click.echo(f"{total.records:,} records in {seconds:.1f} s ({total.records / seconds:,.0f}/s) to {kafka.topic}")
    if total.without_customer:
        click.echo(f"  {total.without_customer:,} name no customer: sent without a key, the worker will reject them")
    if total.too_large:
        click.echo(f"  {total.too_large:,} not sent: larger than a broker takes")
