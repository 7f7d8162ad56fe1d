"""Ids are functions of content, so that any order of arrival gives the same rows; ClickHouse can compute them too.

A key is the first 32 hexadecimal digits of SHA-256 over its parts joined by the unit separator (0x1F), which no
accepted string contains: ``lower(substring(hex(SHA256(concat(...))), 1, 32))``.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from pipeline.records import EXPLICIT
from pipeline.strings import Strings

SEPARATOR: Final = "\x1f"


def _keys(parts: Iterable[tuple[str, ...]]) -> list[str]:
    return [sha256(SEPARATOR.join(part).encode()).hexdigest()[:32] for part in parts]


def interaction_keys(names: NDArray[np.object_], facts: NDArray[Any], strings: Strings) -> list[str]:
    """Keys of interactions: (customer, "interaction", id) or (customer, "session", channel, journey id, start)."""
    explicit = (facts["grouping"] == EXPLICIT).tolist()
    columns = zip(
        explicit,
        names[facts["customer"]].tolist(),
        strings.take(facts["interaction"]).tolist(),
        strings.take(facts["channel"]).tolist(),
        strings.take(facts["journey"]).tolist(),
        facts["start_ms"].tolist(),
        strict=True,
    )
    return _keys(
        (customer, "interaction", given) if is_explicit else (customer, "session", channel, journey, str(start))
        for is_explicit, customer, given, channel, journey, start in columns
    )


def journey_keys(
    names: NDArray[np.object_],
    customer: NDArray[np.int32],
    journey: NDArray[np.int32],
    goal: NDArray[np.int32],
    start_ms: NDArray[np.int64],
    strings: Strings,
) -> list[str]:
    """Keys of journeys: (customer, "journey", id) or (customer, "goal", goal, start)."""
    columns = zip(
        names[customer].tolist(),
        strings.take(journey).tolist(),
        strings.take(goal).tolist(),
        start_ms.tolist(),
        strict=True,
    )
    return _keys(
        (who, "journey", given) if given else (who, "goal", aim, str(start)) for who, given, aim, start in columns
    )


def session_keys(pieces: NDArray[Any], strings: Strings) -> NDArray[np.uint64]:
    """The thread of an event or interaction as a number: what joins the two in ClickHouse.

    xxh64 over (channel, journey id), or over ("", "", id) of an explicit interaction.
    """
    explicit = pieces["interaction"] != 0
    high = np.where(explicit, pieces["interaction"], pieces["channel"]).astype(np.int64)
    low = np.where(explicit, np.int32(-1), pieces["journey"])
    pairs, first, place = np.unique(high << 32 | (low + 1), return_index=True, return_inverse=True)
    texts = zip(
        explicit[first].tolist(),
        *(strings.take(pieces[name][first]).tolist() for name in ("interaction", "channel", "journey")),
        strict=True,
    )
    hashes = [
        xxhash.xxh64_intdigest(SEPARATOR.join(("", "", given) if is_explicit else (channel, journey)).encode())
        for is_explicit, given, channel, journey in texts
    ]
    return np.array(hashes, np.uint64)[place] if len(pairs) else np.zeros(0, np.uint64)
