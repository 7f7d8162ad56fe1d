"""``perception alerts``: what detection reports, and a dry run on history before anyone is paged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from jobs.cli._alerts_list import list_command, show_command
from jobs.cli._alerts_notify import notify_command
from jobs.cli._alerts_silence import silence_group
from jobs.cli._options import Instant, examples, json_option, print_json

_FAR = 4_102_444_800_000  # the year 2100


@click.group("alerts")
def command() -> None:
    """Sudden drops in perception and surges of contacts."""


for _one in (list_command, show_command, notify_command, silence_group):
    command.add_command(_one)


@command.command(
    "simulate",
    epilog=examples(
        "perception alerts simulate",
        "perception alerts simulate --warehouse chdb:///data/replayed --since 2015-06-01T00:00:00Z",
        "perception alerts simulate --grain day --false-alarm-days 30 --json",
    ),
)
@click.option("--warehouse", metavar="URL", help="Address. [default: PERCEPTION_WAREHOUSE__URL]")
@click.option(
    "--since", type=Instant(), default=0, show_default=False, help="Report from here; all before is learnt from."
)
@click.option("--until", type=Instant(), default=_FAR, show_default=False, help="As if history ended here.")
@click.option(
    "--grain", "grains", multiple=True, type=click.Choice(["hour", "day"]), help="Repeatable. [default: both]"
)
@click.option(
    "--false-alarm-days",
    default=7.0,
    type=click.FloatRange(min=0, min_open=True),
    help="Days per tolerated false alarm of each class of cells.",
)
@click.option(
    "--customers",
    type=click.IntRange(1),
    help="Least distinct customers behind an alert. [default: PERCEPTION_ALERTS__CUSTOMERS]",
)
@click.option("--cells", "each_cell", is_flag=True, help="List every watched cell with its expected delay.")
@json_option
def simulate_command(
    *,
    warehouse: str | None,
    since: int,
    until: int,
    grains: tuple[str, ...],
    false_alarm_days: float,
    customers: int | None,
    each_cell: bool,
    as_json: bool,
) -> None:
    """Run detection over the history in a warehouse: what would have fired, when, how big, and why.

    Any warehouse will do that a replay or the worker filled. Scores and answers are watched apart, as are drops in
    perception and surges of contacts. Nothing is written and nobody is told.
    """
    from jobs.alerts.simulate import Plan, simulate
    from jobs.settings import load
    from jobs.warehouse import open_warehouse

    chosen = load()
    settings, people = chosen.warehouse, customers or chosen.alerts.customers
    store = open_warehouse(
        warehouse or settings.url, create=False, read_only=True, timeout_s=settings.send_receive_timeout_s
    )
    try:
        grains = tuple(dict.fromkeys(grains)) or ("hour", "day")
        plan = Plan(since, until, grains, false_alarm_days, each_cell, people)
        report = {"warehouse": store.url, **simulate(store, plan)}
    finally:
        store.close()
    print_json(report) if as_json else _print(report)


def _print(report: Mapping[str, Any]) -> None:
    click.echo(
        f"{report['from']} to {report['until']}: {len(report['alerts'])} alerts, {report['alarms_per_week']} a week"
    )
    for alert in report["alerts"]:
        _alert(alert)
    if report["most_customers"] < report["customers"]:
        click.echo(
            f"\nNo hour or day of any cell has the {report['customers']} distinct customers that an alert needs, but "
            f"{report['most_customers']} at most: what is bad for a few stays untold. Where a row is not a customer "
            "but a mean of many, set PERCEPTION_ALERTS__CUSTOMERS=1."
        )
    click.echo("\nExpected time to find a fall (hours, median of the watched cells; - none is watched)")
    click.echo(f"{'grain':6}{'of':9}{'cells split by':22}{'cells':>7}{'watched':>9}{'4 points':>10}{'8':>8}{'16':>8}")
    for line in report["cells"]:
        hours = ["-" if (value := line[f"hours_{shift}"]) is None else f"{value:,.0f}" for shift in (4, 8, 16)]
        click.echo(
            f"{line['grain']:6}{line['of']:9}{line['class']:22}{line['cells']:>7}{line['watched']:>9}"
            f"{hours[0]:>10}{hours[1]:>8}{hours[2]:>8}"
        )
    for line in report.get("watched", ()):
        click.echo(
            f"  {line['scope']} ({line['of']}, by {line['grain']}): "
            + ", ".join(f"{shift} points in {line[f'hours_{shift}']:,.0f} h" for shift in (4, 8, 16))
        )


def _alert(alert: Mapping[str, Any]) -> None:
    click.echo(f"\n{alert['at']}  {alert['state'].upper()}  {alert['scope']}  ({alert['of']}, by {_grains(alert)})")
    click.echo(f"  since {alert['since']}, {_size(alert)}; {alert['customers']} distinct customers; {_end(alert)}")
    for worse in alert["worse_at"]:
        click.echo(f"  {worse['at']}  worse: {_sized(alert, worse['size'])}")
    worst = alert["worst"]
    click.echo(f"  worst {alert['grain']} {worst['bucket']}: {worst['seen']:g}, usual {worst['usual']:g}")
    if "cause" in alert:
        _why(alert)
    if alert["affected"]:
        shown = ", ".join(f"{leaf['scope']} ({leaf['size']:g})" for leaf in alert["affected"][:5])
        click.echo(f"  affected inside: {len(alert['affected'])}: {shown}")
    if alert["speaks_for"]:
        click.echo(f"  not sent by themselves: {alert['speaks_for']} alerts of related cells")


def _why(alert: Mapping[str, Any]) -> None:
    cause = alert["cause"]
    click.echo(f"  dimensions: {', '.join(f'{name} -{fall:g}' for name, fall in alert['dimensions'].items())}")
    click.echo(f"  cause: {cause['verdict']}; {cause['real']:g} points real fall, {cause['mix']:g} points mix shift")
    for part in cause["parts"]:
        share = f"share {part['share_before']:.0%} -> {part['share_now']:.0%}"
        click.echo(f"    {part['points']:+6.1f} points  {part['scope']}  ({share})")
    if alert["example_customers"]:
        click.echo(f"  for example: {', '.join(alert['example_customers'])}")


def _grains(alert: Mapping[str, Any]) -> str:
    return " and ".join([alert["grain"], *alert["also_by"]])


def _size(alert: Mapping[str, Any]) -> str:
    return _sized(alert, alert["size"])


def _sized(alert: Mapping[str, Any], size: float) -> str:
    if alert["state"] == "drop":
        return f"{size:.1f} points down"
    return f"{size:.1f} times the usual" if alert["state"] != "no data" else "none came"


def _end(alert: Mapping[str, Any]) -> str:
    return f"{alert['end_reason']} {alert['ended']}" if alert["ended"] else "still open at the end"
