"""A process that holds an embedded store and inserts without end: ``python -m tests.warehouse.writer URL``."""

from __future__ import annotations

import itertools
import sys

from jobs.warehouse import open_warehouse
from schemas.tables import EVENTS
from tests.warehouse.rows import blank

ROWS = 500


def main() -> None:
    """Print the number of each batch once it is stored."""
    warehouse = open_warehouse(sys.argv[1])
    warehouse.migrate()
    for batch in itertools.count():
        names = [f"{batch}-{place}" for place in range(ROWS)]
        warehouse.insert("event_rows", blank(EVENTS, ROWS, customer_id="c", event_id=names, version=1))
        print(batch, flush=True)


if __name__ == "__main__":
    main()
