"""The core has no clock, no randomness, no I/O and no logging; neither have the contracts."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.code import Module, modules

FORBIDDEN_NAMES = frozenset(
    {
        "breakpoint", "datetime.now", "datetime.today", "datetime.utcnow", "date.today", "default_rng", "exec", "eval",
        "input", "np.random", "numpy.random", "open", "print", "time.time", "np.load", "np.save", "np.fromfile",
    }
)  # fmt: skip
FORBIDDEN_METHODS = frozenset({"read_text", "read_bytes", "write_text", "write_bytes", "tofile", "now", "utcnow"})


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of an expression made of names; empty otherwise."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := dotted(node.value)):
        return f"{base}.{node.attr}"
    return ""


def touches_the_world(node: ast.AST) -> str:
    """Name of what a node uses of the world; empty if nothing."""
    if isinstance(node, ast.Global | ast.Nonlocal):
        return f"{type(node).__name__.lower()} {', '.join(node.names)}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FORBIDDEN_METHODS:
        return f"{ast.unparse(node.func)}()"
    name = dotted(node)
    return name if any(name == bad or name.endswith(f".{bad}") for bad in FORBIDDEN_NAMES) else ""


def impurities(tree: ast.AST) -> list[str]:
    """Line and name of everything in ``tree`` that touches the world."""
    return [
        f"line {getattr(node, 'lineno', 0)}: {what}" for node in ast.walk(tree) if (what := touches_the_world(node))
    ]


@pytest.mark.parametrize("module", modules("pipeline"), ids=lambda module: module.name)
def test_core_is_a_function_of_its_arguments(module: Module) -> None:
    assert impurities(module.tree) == []


@pytest.mark.parametrize(
    "source",
    ["np.random.default_rng()", "datetime.now(UTC)", "print(1)", "path.read_text()", "open('x')", "global x"],
)
def test_the_law_sees_an_offender(source: str) -> None:
    assert impurities(ast.parse(source))
