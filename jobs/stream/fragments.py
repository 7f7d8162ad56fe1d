"""Large values of the state in the changelog: as several records, so that none is larger than a broker takes.

A value above :data:`FRAGMENT_BYTES` has no record under its own key. Its fragments have the key ``f``, number, own key,
and the value: how many fragments there are, and the fragment. They are written in one transaction with all else of
their flush, so they are complete or not there. Restored, a value is whole again: pipelines know nothing of this.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Final

from jobs.stream.errors import UnreadableStateError
from jobs.stream.protocols import State

FRAGMENT: Final = b"f"
FRAGMENT_BYTES: Final = 384 << 10
"""Of a record's value: with its key it fits into any record batch of the job, and a broker's default limit of 1 MiB."""

_NUMBER: Final = struct.Struct(">H")
_HEAD: Final = len(FRAGMENT) + _NUMBER.size


class Fragments:
    """Which values of a partition are in fragments in its changelog, and in how many."""

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}

    def split(self, changes: Mapping[bytes, bytes | None]) -> Mapping[bytes, bytes | None]:
        """The changes of a flush as records of the changelog, in the same order."""
        large = {key for key, value in changes.items() if value is not None and len(value) > FRAGMENT_BYTES}
        if not large and self._counts.keys().isdisjoint(changes):
            return changes
        records: dict[bytes, bytes | None] = {}
        for key, value in changes.items():
            before = self._counts.pop(key, 0)
            records |= self._fragmented(key, value or b"", before) if key in large else {key: value}
            records |= {_key(key, number): None for number in range(self._counts.get(key, 0), before)}
        return records

    def _fragmented(self, key: bytes, value: bytes, before: int) -> Iterator[tuple[bytes, bytes | None]]:
        count = self._counts[key] = -(-len(value) // FRAGMENT_BYTES)
        if not before:
            yield key, None
        for number in range(count):
            part = value[number * FRAGMENT_BYTES : (number + 1) * FRAGMENT_BYTES]
            yield _key(key, number), _NUMBER.pack(count) + part

    def join(self, state: State) -> None:
        """Make restored records whole again, in place; :class:`UnreadableStateError` if a fragment is missing."""
        found: dict[bytes, dict[int, bytes]] = {}
        for record in [key for key in state if key[:1] == FRAGMENT]:
            number = int(_NUMBER.unpack_from(record, len(FRAGMENT))[0]) if len(record) > _HEAD else -1
            found.setdefault(record[_HEAD:], {})[number] = state.pop(record)
        for key, parts in found.items():
            count = {int(_NUMBER.unpack_from(part)[0]) if len(part) > _NUMBER.size else 0 for part in parts.values()}
            if key in state or parts.keys() != set(range(len(parts))) or count != {len(parts)}:
                raise UnreadableStateError(
                    f"a value of {len(parts)} fragments in the changelog is not whole",
                    action="Something else writes to the changelog topic: find and stop it, then rebuild the state "
                    "under a new application id.",
                )
            state[key] = b"".join(parts[number][_NUMBER.size :] for number in range(len(parts)))
            self._counts[key] = len(parts)


def _key(key: bytes, number: int) -> bytes:
    return FRAGMENT + _NUMBER.pack(number) + key
