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
        "perception evaluate --warehouse chdb:///data/calls --folds 5 --without outcome",
    ),
)
@click.option("--warehouse", metavar="URL", help="Address. [default: PERCEPTION_WAREHOUSE__URL]")
@click.option("--model", "model_file", metavar="FILE", help="Model file. [default: PERCEPTION_MODEL__FILE]")
@click.option("--since", type=Instant(), help="Predict answers from this time on; earlier ones are evidence.")
@click.option("--folds", type=click.IntRange(2, 100), help="Split customers; fit on all folds but the judged one.")
@click.option("--without", multiple=True, metavar="FEATURE", help="With --folds: fit without it. Repeatable.")
@click.option("--where", metavar="SQL", help="Predict these answers only: SQL on the columns of the view events.")
@json_option
def command(
    *,
    warehouse: str | None,
    model_file: str | None,
    since: int | None,
    folds: int | None,
    without: tuple[str, ...],
    where: str | None,
    as_json: bool,
) -> None:
    """Predict each explicit answer just before it enters, and say how good that was.

    Works on any warehouse that a replay or a worker has filled, and judges the model that filled it. With --folds it
    judges the fit instead: a model is fitted from the start values on all customers but a fold and predicts that one.
    rmse and mae_expected are of the expected answer,
    mae of the median; auc_low and spearman rank; crps judges the whole distribution; cov50 and cov90 are right at .5
    and .9 (randomised PIT). A constant, the segment's mean, the customer's last answer, running mean and EWMA are
    judged on the same answers.
    """
    from rich.console import Console

    from jobs.errors import WrongUseError
    from jobs.evaluate import evaluate, gather, read
    from jobs.evaluate import printing as shown
    from jobs.fit import crossed, seen_of
    from jobs.models import chosen_model
    from jobs.settings import ModelSettings, load
    from jobs.warehouse import open_warehouse
    from pipeline.model import start_model

    if without and folds is None:
        raise WrongUseError("--without leaves features out of a fit", action="Give --folds too.")
    settings = load()
    if model_file is not None:
        settings = settings.model_copy(update={"model": ModelSettings(file=model_file)})
    place = settings.warehouse
    store = open_warehouse(warehouse or place.url, create=False, read_only=True, timeout_s=place.send_receive_timeout_s)
    with closing(store):
        url = store.url
        if folds is None:
            model = chosen_model(settings)
            version, done = (
                model.version,
                evaluate(read(store, model, where=where, since_ms=since, policy=settings.policy), model),
            )
        else:
            seen = seen_of(store, gather(store, where=where, policy=settings.policy), policy=settings.policy)
            version = f"fitted anew in each of {folds} folds"
            done = crossed(seen, start_model(), folds, since_ms=since, without=frozenset(without))
    if as_json:
        print_json({"warehouse": url, "model": version, **shown.as_json(done)})
    else:
        shown.show(done, Console(width=110, highlight=False))
