"""Texts that people write: model files, SQL, addresses of warehouses, durations, keys of records to be produced."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jobs.durations import duration_ms
from jobs.errors import PerceptionError
from jobs.models.reading import parse
from jobs.models.writing import dump
from jobs.sources.keys import key_of
from jobs.sources.mapping import SHIPPED, is_ordered
from jobs.warehouse import url
from jobs.warehouse.sql import Plain, bind, reading, split_format, statements
from pipeline.model import DEFAULT_MODEL
from schemas.examples import examples
from tests.fuzz.mutation import mutated

DURATIONS = [b"1h30m", b"P1DT12H", b"250ms", b"2 d 1 h"]
PARAMETERS: Mapping[str, Plain] = {"customer": "a'b\\", "limit": 3, "version": None}


class Texts:
    """A target: mutated texts into one reader, which may refuse them with one of its errors and nothing else."""

    per_input = 1

    def __init__(
        self, name: str, about: str, seeds: Sequence[bytes], read: Callable[[str], Any], refused: type[Exception]
    ) -> None:
        self.name, self.about = name, about
        self._seeds, self._read, self._refused = seeds, read, refused

    def run(self, draw: random.Random) -> Counter[str]:
        """Read one text."""
        text = mutated(draw.choice(self._seeds), draw, self._seeds).decode(errors=draw.choice(("replace", "ignore")))
        try:
            self._read(text)
        except self._refused as error:
            return Counter([type(error).__name__])
        return Counter(["accepted"])


def _sql(text: str) -> None:
    """Whatever is asked of a statement before it is sent."""
    is_ordered(text)
    statements(text)
    split_format(text)
    reading(bind(text, PARAMETERS))


def _key(text: str) -> None:
    key_of(text.encode())


def texts() -> list[Texts]:
    """All of them."""
    model = dump(DEFAULT_MODEL).encode()
    lines = [line.encode() for line in dump(DEFAULT_MODEL).splitlines(keepends=True)]
    sql = [path.read_bytes() for path in sorted(SHIPPED.glob("*.sql"))]
    sql += [b"SELECT * FROM events WHERE customer_id = {customer:String} LIMIT {limit:UInt8} FORMAT JSON;"]
    values = [one.value for one in examples() if one.value and len(one.value) < 4_096]
    addresses = [b"clickhouses://me:p%40ss@db.example:9440/perception?cluster=main&cafile=/ca.pem", b"chdb:///data"]
    return [
        Texts("model", "model files (TOML)", [model, model, *lines], parse, PerceptionError),
        Texts("sql", "mappings and queries before they are sent", sql, _sql, PerceptionError),
        Texts("address", "addresses of warehouses", addresses, url.parse, PerceptionError),
        Texts("duration", "durations of settings and options", DURATIONS, duration_ms, ValueError),
        Texts("key", "customers of records to be produced", values, _key, PerceptionError),
    ]
