"""A customer came back about the same reason and left without a solution again."""

from __future__ import annotations

import numpy as np

from pipeline.detect.rules._base import Found, Rule, Seen
from pipeline.records import FLAG_REPEAT


def _find(seen: Seen) -> Found:
    repeated = (seen.facts["flags"] & np.uint32(FLAG_REPEAT)) != 0
    return Found.at(np.flatnonzero(repeated & seen.closed & (seen.facts["resolved"] == 0)), 0.0, 0.0)


RULE = Rule("unresolved_repeat", "a repeat contact about the same reason that was not resolved", _find)
