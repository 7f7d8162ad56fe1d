"""``perception fit``: values of the model from a warehouse."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.cli._options import Instant, examples, json_option, print_json

if TYPE_CHECKING:
    from jobs.fit import Fit


@click.command("fit", epilog=examples("perception fit --out model.toml", "perception fit --out model.toml --json"))
@click.option("--warehouse", metavar="URL", help="Address. [default: PERCEPTION_WAREHOUSE__URL]")
@click.option("--model", "model_file", metavar="FILE", help="Model to start from. [default: PERCEPTION_MODEL__FILE]")
@click.option("--until", type=Instant(), help="Learn from what was before this time only.")
@click.option("--name", default="fitted", help="Name of the new model.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Model file to write.")
@json_option
def command(
    *, warehouse: str | None, model_file: str | None, until: int | None, name: str, out: Path, as_json: bool
) -> None:
    """Learn shares of answers, priors of segments and prevalences of signals; write them as a model file.

    Strengths of signals and half-lives are not fitted: they stay as they are. Where there are fewer than 30 answers,
    customers or interactions a value stays, and the report says so. Without any answers the prevalences are written,
    and the command fails. The new model counts from the next replay on.
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
        done = fit(read(store, until), chosen_model(settings), name)
    out.write_text(dump(done.model), encoding="utf-8")
    if as_json:
        learnt = [{**asdict(one), "error": None if math.isnan(one.error) else one.error} for one in done.learnt]
        print_json({"model": done.model.version, "answers": done.answers, "learnt": learnt, "kept": done.kept})
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
    for text in done.kept:
        click.echo(f"  kept: {text}")
