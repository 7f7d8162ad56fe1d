"""Small files, small functions, documented names, imports at the top and in no circle."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

from tests.architecture.code import PACKAGES, Function, Module, length, modules, own_imports

FILE_LINES = 300
DECLARATIONS = frozenset({"schemas.tables"})
"""Files without logic: a list that is longer is still one list."""
FUNCTION_LINES = 60
MEDIAN_FUNCTION_LINES = 10
PERCENTILE_95_FUNCTION_LINES = 35


def test_files_are_small() -> None:
    files = [module for module in (*modules(), *modules("tests")) if module.name not in DECLARATIONS]
    assert [f"{module.name}: {module.lines}" for module in files if module.lines >= FILE_LINES] == []


def test_functions_are_small() -> None:
    sizes = {
        f"{module.name}.{function.name}": length(function) for module in modules() for function in module.functions()
    }
    assert {name: size for name, size in sizes.items() if size > FUNCTION_LINES} == {}
    assert statistics.median(sizes.values()) <= MEDIAN_FUNCTION_LINES
    assert statistics.quantiles(sizes.values(), n=20)[-1] <= PERCENTILE_95_FUNCTION_LINES


def public(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.ClassDef | Function]]:
    """Public classes, functions and methods under ``node``, with dotted names."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not child.name.startswith("_"):
            yield f"{prefix}.{child.name}", child
            if isinstance(child, ast.ClassDef):
                yield from public(child, f"{prefix}.{child.name}")


def test_everything_public_is_documented() -> None:
    undocumented = [
        name
        for module in modules()
        for name, node in public(module.tree, module.name)
        if ast.get_docstring(node) is None and not overrides(node)
    ]
    empty_packages = {module.name for module in modules() if not module.text.strip()}
    without = [m.name for m in modules() if ast.get_docstring(m.tree) is None and m.name not in empty_packages]
    assert undocumented + without == []


def overrides(node: ast.ClassDef | Function) -> bool:
    """Whether a method is marked as taking over a documented one."""
    return any(ast.unparse(mark).endswith(("override", "overload", ".setter")) for mark in node.decorator_list)


def late_imports(module: Module) -> list[str]:
    """Imports of own code inside functions."""
    nested = (node for function in module.functions() for node in ast.walk(function))
    return sorted({f"line {getattr(node, 'lineno', 0)}: {name}" for node in nested for name in own_imports(node)})


def test_own_code_is_imported_at_the_top() -> None:
    """But for commands, which import what they need when they run."""
    found = {module.name: late_imports(module) for module in modules() if not module.name.startswith("jobs.cli")}
    assert {name: late for name, late in found.items() if late} == {}


def test_imports_form_no_circle() -> None:
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True)
    edges = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert len(edges) == len(modules())
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' <- '.join(error.args[1])}")
