"""A customer would not recommend the company at all."""

from __future__ import annotations

from typing import Final

from pipeline.detect.rules._base import Found, Rule, Seen, low_answers

LIMIT: Final = 3.0


def _find(seen: Seen) -> Found:
    return low_answers(seen, "nps", LIMIT)


RULE = Rule("low_nps", "an answer of 3 or less to the recommendation question (0 to 10)", _find)
