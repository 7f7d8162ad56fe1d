"""``perception model``: show, check and write model files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from jobs.cli._options import examples, json_option, print_json

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("model")
def command() -> None:
    """The perception model as a TOML file: start values or fitted ones, versioned."""


@command.command("show", epilog=examples("perception model show", "perception model show model.toml --json"))
@click.argument("file", required=False, type=_FILE)
@json_option
def show_command(file: Path | None, as_json: bool) -> None:
    """Print the model in use (PERCEPTION_MODEL__FILE, else the start model) or that of FILE."""
    import tomllib

    from jobs.models import chosen_model, dump, read
    from jobs.settings import load

    model = read(file) if file else chosen_model(load())
    text = dump(model)
    if as_json:
        print_json({"version": model.version, **_plain(tomllib.loads(text))})
    else:
        click.echo(f"# version {model.version}\n{text}", nl=False)


@command.command(
    "check", epilog=examples("perception model check model.toml", "perception model check model.toml --json")
)
@click.argument("file", type=_FILE)
@json_option
def check_command(file: Path, as_json: bool) -> None:
    """Read FILE and name all that is wrong with it; fails if anything is."""
    from jobs.models import read

    model = read(file)
    if as_json:
        print_json({"file": str(file), "version": model.version, "signals": model.signal_names})
    else:
        click.echo(f"{file}: sound, version {model.version}, {len(model.effects)} signals")


@command.command("default", epilog=examples("perception model default > model.toml", "perception model default --json"))
@json_option
def default_command(as_json: bool) -> None:
    """Print the start model as a model file: copy it, give it a name, change values."""
    import tomllib

    from jobs.models import dump
    from pipeline.model import start_model

    text = dump(start_model())
    print_json(_plain(tomllib.loads(text))) if as_json else click.echo(text, nl=False)


def _plain(value: Any) -> Any:
    """As JSON can say it: an infinite half-life is null."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return None if value == float("inf") else value
