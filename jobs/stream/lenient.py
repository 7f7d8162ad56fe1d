"""Parse a producer's batch whose header names are not UTF-8: Kafka does not check them, and aiokafka gives up.

One such record would end every worker that is given its partition, again and again. Names come out with U+FFFD for
what is no text, as Java's clients read them; everything else is aiokafka's own parser in Python.
"""

from __future__ import annotations

from typing import Any, Final

from aiokafka.record.default_records import _DefaultRecordBatchPy

_LENGTH: Final = slice(8, 12)
_OVERHEAD: Final = 12


class _Text(bytearray):
    """Bytes whose parts can always be decoded."""

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return _Text(found) if isinstance(place, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        """The text, with U+FFFD for what is none."""
        return bytes(self).decode(encoding, "replace")


def records_of(fetched: bytes, number: int) -> list[Any]:
    """The records of one batch of a fetch, counted from 0."""
    view = memoryview(fetched)
    for _ in range(number):
        view = view[_size(view) :]
    batch: Any = _DefaultRecordBatchPy(view[: _size(view)])
    batch._maybe_uncompress()  # noqa: SLF001  (before its buffer is replaced)
    batch._buffer = _Text(batch._buffer)  # noqa: SLF001
    return list(batch)


def _size(view: memoryview) -> int:
    return _OVERHEAD + int.from_bytes(view[_LENGTH], "big")
