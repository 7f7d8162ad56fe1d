"""Durations as people write them: ``90`` (seconds), ``"30m"``, ``"7d"``, ``"1h30m"``, ``"P1DT12H"``."""

from __future__ import annotations

import math
import re
from typing import Final

_UNITS_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_LONGEST: Final = 64
"""Characters; matching takes time that grows with their square."""
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])\s*")
_ISO: Final = re.compile(
    r"P(?:(?P<w>\d+(?:\.\d+)?)W)?(?:(?P<d>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<h>\d+(?:\.\d+)?)H)?(?:(?P<m>\d+(?:\.\d+)?)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?"
)


def duration_ms(value: object) -> int:
    """Milliseconds of a duration: a number or its text is seconds; else units ms, s, m, h, d, w or ISO 8601.

    Raises :class:`ValueError` for anything else, also for negative or infinite durations.

    >>> duration_ms("7d"), duration_ms(1.5), duration_ms("1h30m"), duration_ms("PT36H")
    (604800000, 1500, 5400000, 129600000)
    """
    if len(str(value)) > _LONGEST:
        raise ValueError(f"{str(value)[:_LONGEST]!r}… is not a duration")
    seconds = _seconds(value)
    milliseconds = seconds * 1_000 if seconds is not None else _units_ms(str(value).strip())
    if not math.isfinite(milliseconds) or milliseconds < 0:
        raise ValueError(f"{value!r} is not a duration of zero or more")
    return round(milliseconds)


def _seconds(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _units_ms(text: str) -> float:
    iso = _ISO.fullmatch(text.upper())
    if iso and any(iso.groupdict().values()):
        return sum(float(number) * _UNITS_MS[unit] for unit, number in iso.groupdict().items() if number)
    parts = _PART.findall(text.lower())
    if not parts or _PART.sub("", text.lower()):
        raise ValueError(f"{text!r} is not a duration: write seconds, 30m, 7d, 1h30m or PT30M")
    return sum(float(number) * _UNITS_MS[unit] for number, unit in parts)


def duration_text(milliseconds: int) -> str:
    """The shortest text that :func:`duration_ms` reads back.

    >>> duration_text(604800000), duration_text(5400000), duration_text(0)
    ('1w', '90m', '0s')
    """
    for unit in ("w", "d", "h", "m", "s"):
        if milliseconds and milliseconds % _UNITS_MS[unit] == 0:
            return f"{milliseconds // _UNITS_MS[unit]}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"
