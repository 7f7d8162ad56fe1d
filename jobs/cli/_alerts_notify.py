"""``perception alerts notify``: tell the receivers."""

from __future__ import annotations

import click

from jobs.cli._options import examples


@click.command(
    "notify",
    epilog=examples(
        "PERCEPTION_NOTIFY__ALLOWED_HOSTS=hooks.example.com PERCEPTION_NOTIFY__WEBHOOK_URL_FILE=/run/secrets/url \\\n"
        "    PERCEPTION_NOTIFY__WEBHOOK_KEY_FILE=/run/secrets/key perception alerts notify",
        "PERCEPTION_NOTIFY__ALLOWED_PRIVATE_HOSTS=alertmanager \\\n"
        "    PERCEPTION_NOTIFY__ALERTMANAGER_URL=http://alertmanager:9093 perception alerts notify",
    ),
)
@click.option("--loglevel", type=click.Choice(["error", "warning", "info"]), default="info", help="Less or more.")
def notify_command(loglevel: str) -> None:
    """Follow the alerts topic and tell the receivers of the settings, until stopped.

    A process of its own, beside the workers; several share the partitions. Every alert is told at least once, with a
    fingerprint that stays the same. Destinations come from PERCEPTION_NOTIFY__… only, and must be on their lists.
    """
    import logging
    import signal

    from jobs.notify.notifier import Notifier
    from jobs.notify.receiver import receivers
    from jobs.settings import load

    logging.basicConfig(level=loglevel.upper(), format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("kafka").setLevel("ERROR")
    settings = load()
    notifier = Notifier(settings.kafka, receivers(settings.notify))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: notifier.stop())
    notifier.run()
