"""``perception topics``: create the topics, compare them with what is declared."""

from __future__ import annotations

import click

from jobs.cli._options import examples, json_option, print_json
from jobs.settings import load
from jobs.topics import Found, Topic, admin, apply, declared, differences, found


@click.group("topics")
def command() -> None:
    """Create and list the Kafka topics of the system.

    Names, partitions, replicas and retention come from PERCEPTION_KAFKA__… variables.
    """


@command.command(
    "apply",
    epilog=examples(
        "perception topics apply --dry-run", "PERCEPTION_KAFKA__REPLICATION_FACTOR=3 perception topics apply"
    ),
)
@click.option("--dry-run", is_flag=True, help="Say what would change, change nothing.")
@json_option
def apply_command(dry_run: bool, as_json: bool) -> None:
    """Create missing topics and set their declared configuration. Safe to repeat.

    A topic with another number of partitions is refused: keys would move, the state beside them would not.
    """
    kafka = load().kafka
    with admin(kafka) as client:
        outcomes = apply(client, declared(kafka), dry_run=dry_run)
    if as_json:
        print_json([outcome.as_dict() for outcome in outcomes])
        return
    for outcome in outcomes:
        details = ", ".join(f"{key}={value}" for key, value in outcome.configs.items())
        click.echo(f"{outcome.topic}: {'would be ' if dry_run else ''}{outcome.action}  {details}".rstrip())


@command.command("list", epilog=examples("perception topics list --json"))
@json_option
def list_command(as_json: bool) -> None:
    """List the declared topics as the broker has them, and how they differ."""
    kafka = load().kafka
    topics = declared(kafka)
    with admin(kafka) as client:
        existing = found(client, [topic.name for topic in topics])
    if as_json:
        print_json([_as_dict(topic, existing.get(topic.name)) for topic in topics])
        return
    for topic in topics:
        _print(topic, existing.get(topic.name))


def _as_dict(topic: Topic, actual: Found | None) -> dict[str, object]:
    return {
        "topic": topic.name,
        "exists": actual is not None,
        "partitions": actual.partitions if actual else None,
        "replicas": actual.replicas if actual else None,
        "configs": {key: actual.configs.get(key) for key in topic.configs} if actual else None,
        "differences": differences(topic, actual),
    }


def _print(topic: Topic, actual: Found | None) -> None:
    if actual:
        click.echo(f"{actual.name}: {actual.partitions} partitions, {actual.replicas} replicas")
    for difference in differences(topic, actual):
        click.secho(f"  {difference}: run `perception topics apply`", fg="yellow")
