"""``perception worker``: process the interactions topic until stopped."""

from __future__ import annotations

import click

from jobs.cli._options import examples

LEVELS = ("error", "warning", "info")


@click.command(
    "worker",
    epilog=examples(
        "perception worker",
        "PERCEPTION_KAFKA__BOOTSTRAP_SERVERS=kafka:9092 perception worker --loglevel warning",
        "faust -A jobs.worker worker        # the same, by Faust's own command",
    ),
)
@click.option("--loglevel", type=click.Choice(LEVELS), default="info", help="Less or more; never payloads.")
def command(loglevel: str) -> None:
    """Read interactions from Kafka and write how customers perceive them.

    Start as many as there are partitions: they share the work. A stop by SIGTERM or Ctrl-C finishes the write in
    hand within PERCEPTION_WORKER__SHUTDOWN_DEADLINE_S. Settings come from PERCEPTION_ variables.
    """
    from jobs.settings import load
    from jobs.worker import make_app

    app = make_app(load())
    app.finalize()
    app.conf.Worker(app, loglevel=loglevel.upper()).execute_from_commandline()
