"""``perception evaluate``: how well perception predicts answers, next to simple baselines."""

from __future__ import annotations

from contextlib import closing

import click

from jobs.cli._options import Instant, examples, json_option, print_json


@click.command(
    "evaluate",
    epilog=examples(
        "perception evaluate",
        "perception evaluate --since 2024-03-01T00:00:00Z --where \"scale = 'csat'\" --json",
        "perception evaluate --warehouse chdb:///data/survey --folds 5",
    ),
)
@click.option("--warehouse", metavar="URL", help="Address. [default: PERCEPTION_WAREHOUSE__URL]")
@click.option("--model", "model_file", metavar="FILE", help="Model file. [default: PERCEPTION_MODEL__FILE]")
@click.option("--since", type=Instant(), help="Predict answers from this time on; earlier ones are evidence.")
@click.option("--folds", type=click.IntRange(2, 100), help="Split customers; baselines learn from the other folds.")
@click.option("--where", metavar="SQL", help="Predict these answers only: SQL on the columns of the view events.")
@json_option
def command(
    *,
    warehouse: str | None,
    model_file: str | None,
    since: int | None,
    folds: int | None,
    where: str | None,
    as_json: bool,
) -> None:
    """Predict each explicit answer just before it enters, and say how good that was.

    Works on any warehouse that a replay or a worker has filled. rmse and mae_expected are of the expected answer,
    mae of the median; auc_low and spearman rank; crps judges the whole distribution; cov50 and cov90 are right at .5
    and .9 (randomised PIT). A constant, the segment's mean, the customer's last answer, running mean and EWMA are
    judged on the same answers.
    """
    from rich.console import Console

    from jobs.evaluate import evaluate, read
    from jobs.evaluate import printing as shown
    from jobs.models import chosen_model
    from jobs.settings import ModelSettings, load
    from jobs.warehouse import open_warehouse

    settings = load()
    if model_file is not None:
        settings = settings.model_copy(update={"model": ModelSettings(file=model_file)})
    model, place = chosen_model(settings), settings.warehouse
    store = open_warehouse(warehouse or place.url, create=False, read_only=True, timeout_s=place.send_receive_timeout_s)
    with closing(store):
        done = evaluate(read(store, model, where=where, since_ms=since), model, folds=folds)
        url = store.url
    if as_json:
        print_json({"warehouse": url, "model": model.version, **shown.as_json(done)})
    else:
        shown.show(done, Console(width=110, highlight=False))
