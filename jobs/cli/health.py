"""``perception health``: ask the worker on this machine how it is."""

from __future__ import annotations

import click

from jobs.cli._options import examples

TIMEOUT_S = 5.0


@click.command("health", epilog=examples("perception health", "perception health --ready"))
@click.option("--ready", is_flag=True, help="Ask whether it makes progress, not only whether it lives.")
def command(*, ready: bool) -> None:
    """Ask the running worker how it is; exit code 1 if it is not well or does not answer.

    This is what a container's health check calls. The address is PERCEPTION_WORKER__HEALTH_HOST and _PORT.
    """
    import http.client
    import json

    from jobs.errors import PerceptionError
    from jobs.settings import load

    worker = load().worker
    connection = http.client.HTTPConnection(worker.health_host, worker.health_port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/readyz" if ready else "/healthz")
        answer = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise PerceptionError(
            f"no worker answers at {worker.health_host}:{worker.health_port}: {error}",
            action="Start `perception worker`, or correct PERCEPTION_WORKER__HEALTH_PORT.",
        ) from error
    finally:
        connection.close()
    if not answer["ok"]:
        raise PerceptionError("; ".join(answer["reasons"]), action="Look at the worker's log.")
    click.echo("ready" if ready else "healthy")
