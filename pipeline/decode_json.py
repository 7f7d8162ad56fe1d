"""Bytes to JSON values, with bounded work: depth is checked before parsing, numbers of any length are capped."""

from __future__ import annotations

import json
import math
import re
from typing import Final

import msgspec
import numpy as np

from schemas.limits import Limits
from schemas.rejections import Reason, RefusedError

BOM: Final = b"\xef\xbb\xbf"
HUGE: Final = 1e308
"""Stands for numbers that no float64 holds: finite, and out of every range."""
LONGEST_NUMBER: Final = 300

# Possessive, and an unterminated string reaches to the end: one pass whatever the input.
_STRINGS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_OPENING: Final = (ord("{"), ord("["))
_CLOSING: Final = (ord("}"), ord("]"))


def parse(text: bytes, limits: Limits) -> object:
    """The JSON value of ``text``; a byte order mark is skipped. Raises :class:`RefusedError`.

    NaN and Infinity come back as floats, so that the field they stand in can be named.
    """
    body = text.removeprefix(BOM)
    check_depth(body, limits.max_depth)
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _parse_slowly(body)


def check_depth(text: bytes, most: int) -> None:
    """Refuse ``text`` if brackets nest deeper than ``most``."""
    if text.count(b"{") + text.count(b"[") > most and depth(text) > most:
        raise RefusedError(Reason.TOO_DEEP, f"is nested {depth(text)} deep, max_depth is {most}")


def depth(text: bytes) -> int:
    """How deep brackets nest outside strings; valid JSON or not.

    >>> depth(b'{"a": [1, "]]]["]}')
    2
    """
    codes = np.frombuffer(_STRINGS.sub(b"", text), dtype=np.uint8)
    steps = np.isin(codes, _OPENING).astype(np.int64) - np.isin(codes, _CLOSING)
    return int(np.cumsum(steps).max(initial=0))


def _parse_slowly(body: bytes) -> object:
    try:
        return json.loads(body.decode(), parse_int=_whole, parse_float=_decimal)
    except UnicodeDecodeError as error:
        raise RefusedError(Reason.NOT_JSON, f"is not UTF-8 at byte {error.start}") from None
    except ValueError as error:
        raise RefusedError(Reason.NOT_JSON, str(error)[:200]) from None


def _whole(digits: str) -> int | float:
    if len(digits) > LONGEST_NUMBER:
        return -HUGE if digits.startswith("-") else HUGE
    return int(digits)


def _decimal(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else math.copysign(HUGE, number)
