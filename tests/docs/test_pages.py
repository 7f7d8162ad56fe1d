"""What README and the other pages name exists, and what README shows works."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from jobs.cli import main
from jobs.reference.variables import sections
from jobs.warehouse import Warehouse, open_warehouse
from schemas.event import Event
from schemas.judgement import judge
from schemas.limits import DEFAULT_LIMITS
from tests.docs.pages import PAGES, README, ROOT, anchors, blocks, command_lines, links, prose, spans

OTHER_VARIABLES = {
    "PERCEPTION_DEBUG",
    "PERCEPTION_REQUIRE_SERVICES",
    "PERCEPTION_TEST_CLICKHOUSE",
    "PERCEPTION_TEST_DATA",
    "PERCEPTION_TEST_KAFKA",
}
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def unknown(words: list[str]) -> list[str]:
    """What of a command line the command does not have."""
    context, command = click.Context(main), main
    found: click.Command = command
    while isinstance(found, click.Group) and words and not words[0].startswith("-"):
        sub = found.get_command(context, words[0])
        if sub is None:
            return [words[0]]
        found, words = sub, words[1:]
    options = {option for parameter in found.params for option in parameter.opts} | {"--help", "--version"}
    return [word for word in words if word.startswith("--") and word.partition("=")[0] not in options]


@every_page
def test_commands_and_their_options_exist(page: Path) -> None:
    assert [words for words in command_lines(page, "perception") if unknown(list(words))] == []


def test_commands_that_are_not_there_would_be_found() -> None:
    assert unknown(["replya", "x"]) == ["replya"]
    assert unknown(["dlq", "burn"]) == ["burn"]
    assert unknown(["replay", "x", "--fast"]) == ["--fast"]
    assert len(list(command_lines(README, "perception"))) > 10


@every_page
def test_targets_of_make_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = {word for words in command_lines(page, "make") for word in words if "=" not in word}
    assert called <= targets


def test_modules_that_are_run_exist() -> None:
    modules = {words[1] for words in command_lines(README, "python") if words[:1] == ["-m"]}
    assert {"schemas.generate", "jobs.reference"} <= modules
    assert [name for name in modules if find_spec(name) is None] == []


@every_page
def test_links_resolve(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        found = (page.parent / path) if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


@every_page
def test_variables_exist(page: Path) -> None:
    known = {variable.name for section in sections() for variable in section.variables} | OTHER_VARIABLES
    named = set(re.findall(r"\bPERCEPTION_[A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8")))
    assert named <= known


def test_paths_exist() -> None:
    """A code span with a slash in it is a path of the repository."""
    paths = [span for span in spans(README) if re.fullmatch(r"[\w.]+/[\w./]*", span)]
    assert len(paths) > 15
    assert [path for path in paths if not (ROOT / path).exists() and not path.startswith(".venv")] == []


def test_the_event_of_readme_is_an_event() -> None:
    (text,) = blocks(README, "json")
    assert isinstance(judge(json.loads(text), DEFAULT_LIMITS), Event)


def test_the_fields_of_readme_are_those_of_the_event() -> None:
    rows = re.search(r"\| Fields \| Meaning \|\n(.*?)\n\n", prose(README), re.DOTALL)
    assert rows
    first_cells = [line.split("|")[1] for line in rows[1].splitlines()[1:]]
    assert set(re.findall(r"`(\w+)`", " ".join(first_cells))) == set(Event.model_fields)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """README's own data, replayed with its mapping by its command; the folder that it ran in."""
    folder = tmp_path_factory.mktemp("example")
    (folder / "calls.csv").write_text(blocks(README, "csv")[0])
    (folder / "mapping.sql").write_text(blocks(README, "sql")[0])
    (words,) = [words for words in command_lines(README, "perception") if words[:2] == ["replay", "calls.csv"]]
    code = "from jobs.cli import main; main()"
    command = [sys.executable, "-c", code, *words, "--quiet", "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["events"], summary["rejected"], summary["late"]) == (3, {}, 0)
    return folder


@pytest.fixture(scope="module")
def warehouse(example: Path) -> Iterator[Warehouse]:
    with closing(open_warehouse(f"chdb://{example / 'perception-data'}", create=False, read_only=True)) as store:
        yield store


QUERIES = [words[1] for words in command_lines(README, "perception") if words[:1] == ["query"] and len(words) > 1]


@pytest.mark.leaves_threads(reason="chDB keeps its threads")
@pytest.mark.parametrize("sql", QUERIES)
def test_queries_of_readme_run(warehouse: Warehouse, sql: str) -> None:
    assert warehouse.query(sql).names


@pytest.mark.leaves_threads(reason="chDB keeps its threads")
def test_views_of_readme_are_the_views(warehouse: Warehouse) -> None:
    rows = re.search(r"\| View \| One row per \|\n(.*?)\n\n", prose(README), re.DOTALL)
    assert rows
    named = set(re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in rows[1].splitlines()[1:])))
    engine = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%View'"
    assert named == {name for (name,) in warehouse.query(engine)} - {"model", "segment_priors"}
