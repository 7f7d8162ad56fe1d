"""Detection stands beside the stages of the pipeline: it knows cells as numbers, not how they came to be."""

from __future__ import annotations

import ast

from tests.architecture.code import modules, own_imports


def test_detection_imports_no_stage() -> None:
    known = {
        name.partition("pipeline.")[2].partition(".")[0]
        for module in modules()
        if module.name.startswith("pipeline.detect")
        for node in ast.walk(module.tree)
        for name in own_imports(node)
    }
    assert known == {"detect", "policy"}
