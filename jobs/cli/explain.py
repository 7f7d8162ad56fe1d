"""``perception explain``: a customer's scores as contributions that add up to them."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import click

from jobs.cli._options import Instant, examples, json_option, print_json


@click.command(
    "explain",
    epilog=examples("perception explain ben", "perception explain ben --at 2024-03-01T12:00:00Z --json"),
)
@click.argument("customer")
@click.option("--at", type=Instant(), help="Moment of the scores. [default: that of the newest evidence]")
@click.option("--warehouse", metavar="URL", help="Address. [default: PERCEPTION_WAREHOUSE__URL]")
@click.option("--model", "model_file", metavar="FILE", help="Model in use. [default: PERCEPTION_MODEL__FILE]")
@click.option("--most", default=8, type=click.IntRange(1), help="Interactions to print; --json has all.")
@json_option
def command(
    *, customer: str, at: int | None, warehouse: str | None, model_file: str | None, most: int, as_json: bool
) -> None:
    """Take every score of CUSTOMER apart: start + interactions + clipped + pyramid = score.

    An interaction contributes what its evidence, as old as it is at that moment, moves the score away from its
    start. A relationship starts at the segment's prior, a journey at the relationship. Of a fitted model, the features
    with the greatest effect are named: give the model that filled the warehouse.
    """
    from rich.console import Console

    from jobs.explain import events_of, explain, newest
    from jobs.explain import printing as shown
    from jobs.models import chosen_model
    from jobs.settings import ModelSettings, load
    from jobs.warehouse import open_warehouse

    everything = load()
    if model_file is not None:
        everything = everything.model_copy(update={"model": ModelSettings(file=model_file)})
    settings, model = everything.warehouse, chosen_model(everything)
    store = open_warehouse(
        warehouse or settings.url, create=False, read_only=True, timeout_s=settings.send_receive_timeout_s
    )
    with closing(store):
        moment = newest(store) if at is None else datetime.fromtimestamp(at / 1_000, UTC)
        [person] = explain(store, [customer], moment, model)
        if as_json:
            print_json(shown.as_json(person, events_of(store, customer)))
        else:
            shown.show(person, Console(), most)
