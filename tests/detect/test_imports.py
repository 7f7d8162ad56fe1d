"""What judges cells stands beside the stages of the pipeline: it knows cells as numbers, not how they came to be.

The rest of the package connects it: it reads cells from their topic, or judges single customers by their interactions.
"""

from __future__ import annotations

import ast

from tests.architecture.code import modules, own_imports

JUDGING = ("baseline", "cause", "detectors", "hierarchy", "machine", "run", "series")


def test_detection_imports_no_stage() -> None:
    known = {
        name.partition("pipeline.")[2].partition(".")[0]
        for module in modules()
        if module.name.startswith(tuple(f"pipeline.detect.{name}" for name in JUDGING))
        for node in ast.walk(module.tree)
        for name in own_imports(node)
    }
    assert known
    assert known <= {"detect", "policy"}
