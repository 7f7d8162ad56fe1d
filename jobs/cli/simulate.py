"""``perception simulate``: write a telecom operator's customers to a file, and the truth to another."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from jobs.simulate import Incident, Record, Scenario


@click.command("simulate")
@click.option("--customers", default=1_500, type=click.IntRange(1, 10_000_000), help="Customers.")
@click.option("--days", default=60, type=click.IntRange(1, 3_650), help="Days of simulated time.")
@click.option("--seed", default=1, help="The same seed gives the same bytes.")
@click.option("--start", default=None, type=click.DateTime(["%Y-%m-%d"]), help="First day, UTC.  [default: 2026-01-05]")
@click.option(
    "--incident",
    "incidents",
    multiple=True,
    type=click.Choice(["outage", "billing", "none"]),
    default=("outage",),
    help="What goes wrong after 70 % of the days; repeatable.",
)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="FILE.ndjson or .ndjson.gz")
@click.option("--truth", type=click.Path(dir_okay=False, path_type=Path), help="Also write the true perception here.")
def command(
    *,
    customers: int,
    days: int,
    seed: int,
    start: datetime | None,
    incidents: tuple[str, ...],
    out: Path,
    truth: Path | None,
) -> None:
    """Simulate a telecom operator's customers.

    Writes events as NDJSON in order of arrival: some come late, some twice, about 0.3 % are broken, as in life.
    Read it back with `perception replay FILE`.
    """
    from jobs.simulate.archive import write

    scenario = _scenario(customers, days, seed, start, incidents)
    kinds: Counter[str] = Counter()
    began = time.perf_counter()
    count = write(_counted(_records(scenario, truth), kinds), out)
    seconds = time.perf_counter() - began
    click.echo(f"{count:,} records of {customers:,} customers over {days} days in {seconds:.1f} s: {out}")
    click.echo("; ".join(f"{kinds[kind]:,} {kind}" for kind in sorted(kinds)))
    for incident in scenario.plan:
        click.echo(_announced(incident))
    click.echo(f"Next: perception replay {out}")


def _scenario(customers: int, days: int, seed: int, start: datetime | None, incidents: tuple[str, ...]) -> Scenario:
    from jobs.simulate.scenario import INCIDENT_KINDS, START_MS, Scenario, incident

    start_ms = START_MS if start is None else int(start.replace(tzinfo=UTC).timestamp() * 1_000)
    planned = tuple(incident(kind, start_ms, days) for kind in INCIDENT_KINDS if kind in incidents)
    return Scenario(customers=customers, days=days, seed=seed, start_ms=start_ms, incidents=planned)


def _records(scenario: Scenario, truth: Path | None) -> Iterator[Record]:
    from jobs.simulate import simulate
    from jobs.simulate.archive import TruthFile

    if truth is None:
        yield from simulate(scenario)
        return
    with TruthFile(truth, scenario) as log:
        yield from simulate(scenario, log)


def _counted(records: Iterator[Record], kinds: Counter[str]) -> Iterator[Record]:
    for record in records:
        kinds[record.kind.partition(":")[0]] += 1
        yield record


def _announced(incident: Incident) -> str:
    start, end = (datetime.fromtimestamp(ms / 1_000, UTC) for ms in (incident.start_ms, incident.end_ms))
    where = incident.region or incident.segment or "everybody"
    span = f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
    return f"Incident: {incident.kind} ({where}), {span}, worst at {incident.touchpoint}"
