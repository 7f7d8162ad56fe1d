"""The command line as a whole: commands are found, documented, and fail in words."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

import click
import pytest

from jobs.cli import DISTRIBUTION, main
from jobs.errors import WrongUseError
from tests.cli.run import run


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and sub-command, found as `perception` finds them."""
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None, f"jobs.cli.{name} has no command"
        yield (name,), command
        if isinstance(command, click.Group):
            yield from (((name, sub), found) for sub, found in command.commands.items())


COMMANDS = dict(commands())


def test_the_commands_of_the_project_are_there() -> None:
    names = {path[0] for path in COMMANDS}
    assert {"replay", "produce", "topics", "doctor", "dlq", "compare", "query", "warehouse", "worker", "demo"} <= names
    assert all(f"  {name} " in run("--help").output for name in names)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    text = run(*path, "--help").output
    assert COMMANDS[path].help
    for parameter in COMMANDS[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{parameter.name} has no help"
            assert parameter.opts[-1] in text


OWN = [
    path
    for path in COMMANDS
    if path[0] in {"replay", "produce", "topics", "doctor", "dlq", "compare", "model", "explain", "evaluate", "fit"}
]


@pytest.mark.parametrize("path", [path for path in OWN if not isinstance(COMMANDS[path], click.Group)], ids=" ".join)
def test_commands_have_examples_and_json(path: tuple[str, ...]) -> None:
    text = run(*path, "--help").output
    assert f"Examples:\n    perception {' '.join(path)}" in text
    assert "--json" in text


def test_version() -> None:
    assert run("--version").output == f"perception {version(DISTRIBUTION)}\n"


def test_an_unknown_command_names_the_known_ones() -> None:
    assert "replay" in run("replya", code=2).output


def broken() -> None:
    raise WrongUseError("the store is full", action="Empty it.")


def test_an_error_is_a_message_and_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "get_command", lambda *_: click.Command("x", callback=broken))
    result = run("x", code=2)
    assert result.stderr == "Error: the store is full\nWhat to do: Empty it.\n"
    assert result.stdout == ""


@pytest.mark.parametrize(("arguments", "environment"), [(["--debug", "x"], {}), (["x"], {"PERCEPTION_DEBUG": "1"})])
def test_debug_shows_the_traceback(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], environment: dict[str, str]
) -> None:
    monkeypatch.setattr(main, "get_command", lambda *_: click.Command("x", callback=broken))
    assert isinstance(run(*arguments, code=1, **environment).exception, WrongUseError)


def test_a_wrong_setting_is_named() -> None:
    result = run("topics", "list", code=2, PERCEPTION_KAFKA__PARTITIONS="many")
    assert "PERCEPTION_KAFKA__PARTITIONS: " in result.stderr
    assert "What to do" in result.stderr


@pytest.mark.leaves_threads("kafka-python leaves its thread where a client cannot start")
def test_a_broker_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.broker.BOOTSTRAP_TIMEOUT_MS", 300)
    result = run("topics", "list", code=1, PERCEPTION_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert "no broker answers at 127.0.0.1:1" in result.stderr
    assert "PERCEPTION_KAFKA__BOOTSTRAP_SERVERS" in result.stderr
