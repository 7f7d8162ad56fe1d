"""``perception dlq``: what was rejected, and sending it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import click

from jobs.cli._options import examples, json_option, print_json
from jobs.errors import WrongUseError

if TYPE_CHECKING:
    from jobs.deadletters import DeadLetter
    from jobs.settings import KafkaSettings

_reasons = click.option("--reason", "reasons", multiple=True, help="Only records of this reason; repeatable.")


@click.group("dlq")
def command() -> None:
    """Look at rejected records (the dead letters) and send them again.

    They lie in the rejected topic with their original bytes, and in the warehouse's `rejected` view.
    """


@command.command("list", epilog=examples("perception dlq list", "perception dlq list --reason not_json --limit 5"))
@_reasons
@click.option("--limit", default=50, type=click.IntRange(1), help="Records shown at most; all are counted.")
@json_option
def list_command(*, reasons: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List rejected records: id, time, reason, source and message."""
    letters = _selected(_kafka(), reasons)
    shown = list(islice(letters, limit))
    counts = Counter(letter.reason for letter in shown)
    counts.update(letter.reason for letter in letters)
    if as_json:
        print_json({"total": counts.total(), "reasons": dict(counts), "records": [one.as_dict() for one in shown]})
        return
    for letter in shown:
        click.echo(_line(letter))
    click.echo(f"{counts.total():,} rejected: {', '.join(f'{count:,} {reason}' for reason, count in counts.items())}")


@command.command("show", epilog=examples("perception dlq show 0:12", "perception dlq show 0:12 --raw > payload.bin"))
@click.argument("record_id", metavar="ID")
@click.option("--raw", is_flag=True, help="The original bytes and nothing else.")
@json_option
def show_command(*, record_id: str, raw: bool, as_json: bool) -> None:
    """Show one rejected record: reason, source, headers, key and bytes."""
    from jobs.deadletters import find

    letter = find(_kafka(), [record_id])[0]
    if raw:
        click.echo(letter.value or b"", nl=False)
    elif as_json:
        print_json(letter.as_dict())
    else:
        _print(letter)


@command.command(
    "requeue",
    epilog=examples(
        "perception dlq requeue 0:12 3:4",
        "perception dlq requeue --reason too_large --dry-run",
        "perception dlq requeue --all",
    ),
)
@click.argument("record_ids", metavar="[ID]...", nargs=-1)
@_reasons
@click.option("--all", "everything", is_flag=True, help="Every rejected record.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, send nothing.")
@json_option
def requeue_command(
    *, record_ids: tuple[str, ...], reasons: tuple[str, ...], everything: bool, dry_run: bool, as_json: bool
) -> None:
    """Send rejected records to the interactions topic again, with their bytes and key as they were.

    Do so after a limit was raised or a schema extended: what is still wrong is rejected again. Harmless to repeat.
    """
    from jobs.deadletters import find, requeue

    if bool(record_ids) + bool(reasons) + everything != 1:
        raise WrongUseError("say which records", action="Give IDs, or --reason, or --all.")
    kafka = _kafka()
    letters = find(kafka, record_ids) if record_ids else list(_selected(kafka, reasons))
    sent = 0 if dry_run else requeue(letters, kafka)
    if as_json:
        print_json({"selected": len(letters), "sent": sent, "topic": kafka.topic, "ids": [one.id for one in letters]})
        return
    for letter in letters:
        click.echo(_line(letter))
    whole = sum(letter.whole for letter in letters)
    click.echo(f"{whole:,} {'would be ' if dry_run else ''}sent to {kafka.topic}")
    if whole < len(letters):
        click.echo(f"{len(letters) - whole:,} not: their values were cut; produce them again from where they came")


def _kafka() -> KafkaSettings:
    from jobs.settings import load

    return load().kafka


def _selected(kafka: KafkaSettings, reasons: tuple[str, ...]) -> Iterator[DeadLetter]:
    from jobs.deadletters import read

    return (letter for letter in read(kafka) if not reasons or letter.reason in reasons)


def _at(letter: DeadLetter) -> str:
    return datetime.fromtimestamp(letter.timestamp_ms / 1_000, UTC).isoformat(timespec="milliseconds")


def _line(letter: DeadLetter) -> str:
    source = f"{letter.header('topic')}/{letter.header('partition')}@{letter.header('offset')}"
    return f"{letter.id}  {_at(letter)}  {letter.reason}  {source}  {letter.header('message')}"


def _print(letter: DeadLetter) -> None:
    click.echo(_line(letter))
    click.echo(f"key: {letter.key!r}")
    for name, value in letter.original_headers:
        click.echo(f"header {name}: {value!r}")
    click.echo(f"{len(letter.value or b''):,} bytes:")
    click.echo((letter.value or b"").decode(errors="backslashreplace"))
