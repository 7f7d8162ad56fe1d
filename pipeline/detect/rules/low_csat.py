"""A customer says that an interaction was bad."""

from __future__ import annotations

from typing import Final

from pipeline.detect.rules._base import Found, Rule, Seen, low_answers

LIMIT: Final = 2.0


def _find(seen: Seen) -> Found:
    return low_answers(seen, "csat", LIMIT)


RULE = Rule("low_csat", "an answer of 2 or less to the satisfaction question (1 to 5)", _find)
