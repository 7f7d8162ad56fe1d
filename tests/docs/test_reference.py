"""The reference pages are what the code says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import BaseModel

from jobs.errors import SettingsError
from jobs.reference.errors import UndocumentedError
from jobs.reference.markdown import table
from jobs.reference.variables import HERE, Variable, attribute_docstrings, sections
from jobs.settings import Settings, load
from tests.docs.pages import ROOT

VARIABLES = [variable for section in sections() for variable in section.variables]


def reference(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jobs.reference", "--folder", str(folder), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_the_pages_are_up_to_date(tmp_path: Path) -> None:
    done = reference(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}


def test_check_names_what_differs_and_writes_nothing(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ROOT / "docs", tmp_path / "docs"))
    (folder / "cli.md").unlink()
    edited = (folder / "topics.md").read_text().replace("interactions-v1", "interactions-v0")
    (folder / "topics.md").write_text(edited)
    done = reference(folder, "--check")
    assert done.returncode == 1
    assert [line.split()[0] for line in done.stderr.splitlines()] == ["topics.md", "cli.md"]
    assert not (folder / "cli.md").exists()
    assert (folder / "topics.md").read_text() == edited


def test_every_variable_reads_the_default_that_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that no setting has, or a default that is not the code's, would show here."""
    expected = load()
    for variable in VARIABLES:
        if variable.default is not None:
            monkeypatch.setenv(variable.name, variable.default.replace(HERE, str(Path.cwd())))
    assert load() == expected


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_every_variable_is_read(variable: Variable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes another value than its default, or says that it is wrong."""
    expected = load()
    other = {"true": "false", "false": "true"}.get(variable.default or "", "7")
    monkeypatch.setenv(variable.name, other)
    try:
        assert load() != expected
    except SettingsError as error:
        assert "__".join(variable.name.split("__")[:-1]) in str(error)


def test_all_sections_are_there() -> None:
    assert {section.name.split(",")[0] for section in sections()} == set(Settings.model_fields)


def test_a_setting_without_description_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bare(BaseModel):
        number: int = 1

    monkeypatch.setattr("jobs.reference.variables.Settings", type("S", (BaseModel,), {"__annotations__": {"x": Bare}}))
    with pytest.raises(UndocumentedError, match="PERCEPTION_X__NUMBER"):
        list(sections())


@dataclass
class Documented:
    """For the test below."""

    first: int = 1
    """What first is.

    More.
    """
    second: int = 2
    third: int = 3
    """What third is."""


def test_docstrings_of_attributes_are_found() -> None:
    assert attribute_docstrings(Documented) == {"first": "What first is.\n\nMore.", "third": "What third is."}


def test_cells_cannot_break_a_table() -> None:
    assert table(["a"], [["x | y\nz"]]) == "| a |\n| --- |\n| x \\| y z |"
