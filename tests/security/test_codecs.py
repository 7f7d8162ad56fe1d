"""Nothing that is read can run: no pickle, no marshal, no unsafe YAML, anywhere in the job or in Faust beneath it."""

from __future__ import annotations

import ast
import base64
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faust.exceptions import SecurityWarning
from faust.serializers import codecs

from jobs.settings import Settings
from jobs.stream.app import App, build_app
from jobs.stream.codecs import PLAIN
from tests.architecture.code import Module, modules
from tests.stream.counting import CountingPipeline

RUNNING = frozenset({"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "jsonpickle", "code"})
CALLS = frozenset({"eval", "exec", "compile", "yaml.load", "yaml.unsafe_load", "os.system", "os.popen"})


class Exploit:
    """What a hostile record would be, if anything unpickled it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._path),)


@pytest.fixture
def app() -> Iterator[App]:
    """The application, as the worker builds it; the process's codecs are put back."""
    kept = dict(codecs.codecs)
    yield build_app(Settings(), CountingPipeline, lambda: pytest.fail("no warehouse is needed"))
    codecs.codecs.clear()
    codecs.codecs.update(kept)


def test_the_exploit_works_where_codecs_are_as_faust_brings_them(tmp_path: Path) -> None:
    data = base64.b64encode(pickle.dumps(Exploit(tmp_path / "owned")))
    with pytest.warns(SecurityWarning, match="pickle"):
        codecs.loads("pickle", data)
    assert (tmp_path / "owned").is_dir()


@pytest.mark.parametrize("name", ["pickle", "pickle_restricted", "pickle_fickling", "yaml", "raw|pickle"])
def test_no_codec_of_the_worker_runs_what_it_reads(app: App, tmp_path: Path, name: str) -> None:
    data = base64.b64encode(pickle.dumps(Exploit(tmp_path / "owned")))
    with pytest.raises(KeyError):
        codecs.loads(name, data)
    assert not (tmp_path / "owned").exists()
    assert set(codecs.codecs) == PLAIN


def test_the_topics_of_the_worker_are_bytes(app: App) -> None:
    assert (app.state_table.key_type, app.state_table.value_type) == (bytes, bytes)
    assert app.conf.key_serializer == "raw"


def offences(module: Module) -> list[str]:
    """Imports and calls by which data becomes code."""
    found = []
    for node in ast.walk(module.tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found += [name for name in names if name.partition(".")[0] in RUNNING]
        if isinstance(node, ast.Call):
            found += [ast.unparse(node.func)] if ast.unparse(node.func) in CALLS else []
            found += [key.arg for key in node.keywords if key.arg in {"allow_pickle", "shell"}]
    return found


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_our_own_code_turns_no_data_into_code(module: Module) -> None:
    assert offences(module) == []


@pytest.mark.parametrize(
    "text", ["import pickle", "from marshal import loads", "eval(x)", "np.load(p, allow_pickle=True)"]
)
def test_the_law_sees_an_offender(text: str) -> None:
    assert offences(Module(Path(__file__), ast.parse(text), text))
