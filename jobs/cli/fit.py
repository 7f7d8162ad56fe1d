"""``perception fit``: values of the model from a warehouse."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.cli._options import Instant, examples, json_option, print_json
from schemas.tables import DIMENSIONS

if TYPE_CHECKING:
    from jobs.fit import Fit


@click.command("fit", epilog=examples("perception fit --out model.toml", "perception fit --out model.toml --json"))
@click.option("--warehouse", metavar="URL", help="Address. [default: PERCEPTION_WAREHOUSE__URL]")
@click.option("--model", "model_file", metavar="FILE", help="Model to start from. [default: PERCEPTION_MODEL__FILE]")
@click.option("--until", type=Instant(), help="Learn from what was before this time only.")
@click.option("--without", multiple=True, metavar="FEATURE", help="Leave a feature out, like outcome. Repeatable.")
@click.option("--name", default="fitted", help="Name of the new model.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Model file to write.")
@json_option
def command(
    *,
    warehouse: str | None,
    model_file: str | None,
    until: int | None,
    without: tuple[str, ...],
    name: str,
    out: Path,
    as_json: bool,
) -> None:
    """Learn the values of a model from a warehouse; write them as a model file.

    Shares of answers, priors of segments, prevalences of signals, and the predictor: what measures, attributes, fields
    (channel, touchpoint, outcome, reason, team, skill) and signals of a journey say about the answer after it, by ridge
    regression with cross-validation over customers. From customers who answered again: half-lives, how much customers
    differ, and whether the features are symptoms of a perception that lasts or causes that move one interaction.

    Where there are fewer than 30 answers, customers or interactions a value stays, and the report says so. Without any
    answers the prevalences are written, and the command fails. The new model counts from the next replay on.
    """
    from jobs.errors import PerceptionError
    from jobs.fit import fit, read
    from jobs.models import chosen_model, dump
    from jobs.settings import ModelSettings, load
    from jobs.warehouse import open_warehouse

    settings = load()
    if model_file is not None:
        settings = settings.model_copy(update={"model": ModelSettings(file=model_file)})
    place = settings.warehouse
    store = open_warehouse(warehouse or place.url, create=False, read_only=True, timeout_s=place.send_receive_timeout_s)
    with closing(store):
        done = fit(read(store, until, settings.policy), chosen_model(settings), name, frozenset(without))
    out.write_text(dump(done.model), encoding="utf-8")
    if as_json:
        learnt = [{**asdict(one), "error": None if math.isnan(one.error) else one.error} for one in done.learnt]
        told = {"learnt": learnt, "kept": done.kept, "predictor": _predictor(done)}
        print_json({"model": done.model.version, "answers": done.answers, **told})
    else:
        _print(done, out)
    if not done.answers:
        raise PerceptionError(
            f"there are no answers: only prevalences are fitted in {out}",
            action="Take in answers (type answer, with scale and value) to fit shares and priors.",
        )


def _print(done: Fit, out: Path) -> None:
    click.echo(f"{done.model.version} from {done.answers:,} answers: {out}")
    for one in done.learnt:
        error = f" ± {one.error:.3f}" if not math.isnan(one.error) else ""
        click.echo(f"  {one.what}: {one.before:.3f} -> {one.after:.3f}{error} (n {one.n:,})")
    if done.found is not None:
        explained = ", ".join(
            f"{name} {share:.3f} ± {error:.3f}"
            for name, share, error in zip(DIMENSIONS, done.found.explained, done.found.error, strict=True)
        )
        click.echo(f"  predictor: R² of answers left out: {explained}")
        for worth in done.found.worth:
            click.echo(f"    {worth.source} ({worth.form}) explains {worth.explained:.2%} ± {worth.error:.2%}")
    for text in done.kept:
        click.echo(f"  kept: {text}")


def _predictor(done: Fit) -> dict[str, Any] | None:
    if done.found is None:
        return None
    per_dimension = [
        {name: _number(value) for name, value in zip(DIMENSIONS, values.tolist(), strict=True)}
        for values in (done.found.explained, done.found.error, done.found.penalty)
    ]
    features = [{**asdict(one), "error": _number(one.error)} for one in done.found.worth]
    return {**dict(zip(("explained", "error", "penalty"), per_dimension, strict=True)), "features": features}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
