"""``perception alerts list`` and ``show``: alerts as the warehouse has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from jobs.cli._options import Instant, examples, json_option, print_json

_STATES = ("pending", "firing", "recovering", "resolved", "withdrawn")
_warehouse = click.option("--warehouse", metavar="URL", help="Address. [default: PERCEPTION_WAREHOUSE__URL]")


@click.command(
    "list",
    epilog=examples(
        "perception alerts list",
        "perception alerts list --state firing --json",
        "perception alerts list --all --limit 5",
        "perception alerts list --customers --since 2026-01-31T00:00:00Z",
    ),
)
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="Repeatable. [default: all]")
@click.option("--since", type=Instant(), default=0, show_default=False, help="Only alerts that began here or later.")
@click.option("--all", "everything", is_flag=True, help="Those that another alert speaks for or that never fired, too.")
@click.option("--customers", is_flag=True, help="Alerts about single customers instead; they always hold.")
@click.option("--limit", default=50, type=click.IntRange(1), help="The latest so many.")
@_warehouse
@json_option
def list_command(
    *,
    states: tuple[str, ...],
    since: int,
    everything: bool,
    customers: bool,
    limit: int,
    warehouse: str | None,
    as_json: bool,
) -> None:
    """List alerts, the latest first: what, where, since when, how it stands."""
    from jobs.alerts.listing import Wanted, customer_alerts, listed

    with _opened(warehouse) as store:
        wanted = Wanted(states, since, everything=everything, limit=limit)
        found = customer_alerts(store, wanted) if customers else listed(store, wanted)
    if as_json:
        print_json(found)
        return
    for alert in found:
        click.echo(_line(alert))
    click.echo(f"{len(found)} alerts")


@click.command(
    "show",
    epilog=examples("perception alerts show 850b06ad19670120160f3499b4174537", "perception alerts show 850b --json"),
)
@click.argument("alert_id", metavar="ID")
@_warehouse
@json_option
def show_command(*, alert_id: str, warehouse: str | None, as_json: bool) -> None:
    """Show one alert with all its transitions, its cause and what it speaks for; the beginning of the id is enough."""
    from jobs.alerts.listing import shown

    with _opened(warehouse) as store:
        found = shown(store, alert_id)
    print_json(found) if as_json else _print(found)


def _opened(url: str | None) -> Any:
    from contextlib import closing

    from jobs.settings import load
    from jobs.warehouse import open_warehouse

    settings = load().warehouse
    timeout_s = settings.send_receive_timeout_s
    return closing(open_warehouse(url or settings.url, create=False, read_only=True, timeout_s=timeout_s))


def _line(alert: Mapping[str, Any]) -> str:
    return (
        f"{alert['alert_id'][:12]}  {alert['since']}  {alert['state']:10}  {alert['detector']:13} {alert['kind']:9} "
        f"{alert['scope']}  {_size(alert)}"
    )


def _size(alert: Mapping[str, Any]) -> str:
    if alert["detector"] == "surge":
        return f"{alert['size']:.1f} times the usual"
    return f"{alert['size']:.1f} points down" if "drop" in alert["detector"] else ""


def _print(alert: Mapping[str, Any]) -> None:
    click.echo(f"{alert['alert_id']}  fingerprint {alert['fingerprint']}")
    click.echo(f"{alert['detector']} of {alert['kind']} in {alert['scope']}, by {alert['grain'] or 'interaction'}")
    click.echo(
        f"{_size(alert)}; {alert['customers']} distinct customers; usual {alert['expected']}, seen {alert['observed']}"
    )
    for one in alert["transitions"]:
        said = " amended" if one["amended"] else ""
        click.echo(f"  {one['sequence']:>3}  {one['at']}  {one['state']}{said}  {_size(one)}  {one['reason']}".rstrip())
    if alert["verdict"]:
        click.echo(
            f"cause: {alert['verdict']}; {alert['real_fall']:g} points real fall, {alert['mix_shift']:g} mix shift"
        )
    for part in alert["cause"].get("contributions", ()):
        click.echo(f"  {part['points']:+6.1f} points  {' '.join(f'{k}={v}' for k, v in part['scope'].items())}")
    if alert["parent"]:
        click.echo(f"not told by itself: {alert['parent']} speaks for it")
    if alert["speaks_for"]:
        click.echo(f"speaks for {len(alert['speaks_for'])}: {' '.join(alert['speaks_for'][:5])}")
