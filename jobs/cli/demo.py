"""``perception demo``: everything in one minute, on a machine with nothing but Python."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from jobs.cli._options import examples, json_option, print_json
from jobs.program import program
from pipeline.policy import DAY_MS


@click.command(
    "demo",
    epilog=examples("perception demo", "perception demo --customers 300 --days 30 --seed 7 --json"),
)
@click.option("--customers", default=1_500, type=click.IntRange(1, 1_000_000), help="Simulated customers.")
@click.option("--days", default=60, type=click.IntRange(2, 3_650), help="Simulated days.")
@click.option("--seed", default=1, help="The same seed gives the same numbers.")
@click.option("--warehouse", metavar="URL", help="Where rows go. [default: PERCEPTION_WAREHOUSE__URL]")
@click.option("--replace", is_flag=True, help="Delete rows of others than an earlier demo, too.")
@json_option
def command(*, customers: int, days: int, seed: int, warehouse: str | None, replace: bool, as_json: bool) -> None:
    """Simulate a telecom operator's customers, run the real pipeline over them, show what came out.

    Needs no Kafka, ClickHouse, Docker or Java. The numbers come from SQL on the views that dashboards read; ask your
    own questions with `perception query`, also while the demo runs.
    """
    from jobs.demo.printing import console, show
    from jobs.demo.run import run
    from jobs.demo.summarize import summarize
    from jobs.demo.watching import watching
    from jobs.settings import load
    from jobs.simulate import Scenario
    from jobs.warehouse import open_warehouse

    settings, scenario = load(), Scenario(customers=customers, days=days, seed=seed, start_ms=_start_ms(days))
    store = open_warehouse(warehouse or settings.warehouse.url)
    try:
        progress = console(stderr=as_json)
        progress.print(f"[bold]A telecom operator[/bold]: {customers:,} customers, {days} days, seed {seed}")
        progress.print("[dim]simulate, decode, dedupe, sessionize, perceive, aggregate, write to ClickHouse[/dim]")
        where = f" --warehouse {warehouse}" if warehouse else ""
        question = '"SELECT * FROM touchpoints LIMIT 5"'
        progress.print(f"meanwhile, elsewhere: {program()} query{where} {question}", style="dim", soft_wrap=True)
        with watching(scenario, store, progress) as watcher:
            done = run(scenario, store, settings, watcher, replace=replace)
        summary = summarize(scenario, store, done, elsewhere=warehouse is not None)
    finally:
        store.close()
    if as_json:
        print_json(asdict(summary))
    else:
        show(summary, console())


def _start_ms(days: int) -> int:
    """A midnight such that the simulation ends a day before today: views that say "now" have something to say."""
    today = time.time_ns() // 1_000_000 // DAY_MS
    return (today - 1 - days) * DAY_MS
