"""``perception alerts silence``: what nobody is told for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jobs.cli._options import Duration, Instant, examples, json_option, print_json
from jobs.errors import WrongUseError

if TYPE_CHECKING:
    from jobs.notify.silences import Silence
    from jobs.settings import KafkaSettings

LABELS = ("alertname", "detector", "kind", "grain", "channel", "segment", "touchpoint", "customer")


@click.group("silence")
def silence_group() -> None:
    """Hold back alerts for a while, with a reason.

    Alerts go on being found, written and listed; nobody is told. What still goes on when a silence ends is told then.
    """


@silence_group.command(
    "add",
    epilog=examples(
        'perception alerts silence add channel=app --for 2h --reason "release 4.2"',
        "perception alerts silence add detector=surge segment=business --until 2026-03-01T06:00Z --reason campaign",
    ),
)
@click.argument("labels", nargs=-1, required=True, metavar="LABEL=VALUE...")
@click.option("--for", "duration", type=Duration(), help="How long from now (or from --from), such as 2h.")
@click.option("--until", type=Instant(), help="When it ends.")
@click.option("--from", "start", type=Instant(), help="When it begins. [default: now]")
@click.option("--reason", required=True, help="Why; whoever looks at it later will ask.")
@click.option("--by", default="", help="Who.")
@json_option
def add_command(
    *,
    labels: tuple[str, ...],
    duration: int | None,
    until: int | None,
    start: int | None,
    reason: str,
    by: str,
    as_json: bool,
) -> None:
    """Hold back alerts that have all of these labels until the silence ends."""
    import time

    from jobs.notify.silence_log import put
    from jobs.notify.silences import silence

    begin = time.time_ns() // 1_000_000 if start is None else start
    one = silence(_labels(labels), _reason(reason), begin, _end(begin, duration, until), by)
    put(_kafka(), one)
    print_json(one.as_dict()) if as_json else click.echo(_line(one))


@silence_group.command(
    "list", epilog=examples("perception alerts silence list", "perception alerts silence list --all --json")
)
@click.option("--all", "everything", is_flag=True, help="Those that have ended, too.")
@json_option
def list_command(*, everything: bool, as_json: bool) -> None:
    """List silences that hold or will hold."""
    import time

    from jobs.notify.silence_log import silences

    now_ms = time.time_ns() // 1_000_000
    found = [one for one in silences(_kafka()) if everything or one.end_ms > now_ms]
    if as_json:
        print_json([one.as_dict() for one in found])
        return
    for one in found:
        click.echo(_line(one))
    click.echo(f"{len(found)} silences")


@silence_group.command("end", epilog=examples("perception alerts silence end 1f0c8a5e2b3d"))
@click.argument("silence_id", metavar="ID")
@json_option
def end_command(*, silence_id: str, as_json: bool) -> None:
    """End a silence now: alerts that it held back and that still go on are told."""
    from jobs.notify.silence_log import end

    one = end(_kafka(), silence_id)
    print_json(one.as_dict()) if as_json else click.echo(_line(one))


def _kafka() -> KafkaSettings:
    from jobs.settings import load

    return load().kafka


def _labels(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    wrong = [name for name, equals, value in pairs if name not in LABELS or not equals or not value]
    if wrong:
        raise WrongUseError(f"{wrong[0]!r} is no label with a value", action=f"Labels are {', '.join(LABELS)}.")
    return {name: value for name, _, value in pairs}


def _reason(text: str) -> str:
    if not text.strip():
        raise WrongUseError("a silence needs a reason", action="Say why with --reason.")
    return text.strip()


def _end(begin: int, duration: int | None, until: int | None) -> int:
    if (duration is None) == (until is None):
        raise WrongUseError("say when the silence ends", action="Give --for or --until.")
    end = begin + duration if duration is not None else until or 0
    if end <= begin:
        raise WrongUseError("the silence would end before it begins", action="Give a later --until.")
    return end


def _line(one: Silence) -> str:
    from jobs.notify.wording import instant, scope_text

    by = f" ({one.by})" if one.by else ""
    return f"{one.id}  {instant(one.start_ms)} to {instant(one.end_ms)}  {scope_text(one.labels)}  {one.reason}{by}"
