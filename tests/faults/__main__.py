"""``python -m tests.faults``: break a stock Faust agent and this worker in every way, and print one table."""

from __future__ import annotations

import argparse
import sys
import tempfile
import uuid
from pathlib import Path

from tests.faults import rig
from tests.faults.contenders import CONTENDERS
from tests.faults.faults import FAULTS, title
from tests.faults.table import failures, rendered


def main() -> int:
    """Run the matrix; exit code 1 if a cell of ours is not clean, or the control never fails."""
    arguments = _arguments()
    chosen = [fault for fault in FAULTS if not arguments.only or fault.__name__ in arguments.only]
    cells: dict[tuple[str, str], rig.Cell | str] = {}
    logs = Path(tempfile.mkdtemp(prefix="perception-faults-"))
    with rig.kafka() as kafka:
        for fault in chosen:
            for name in arguments.contender:
                unique = f"{name}-{fault.__name__.replace('_', '-')}-{uuid.uuid4().hex[:6]}"
                kind = CONTENDERS[name]
                try:
                    cell: rig.Cell | str = rig.run(fault, kafka, kind, logs / unique, name=unique, seed=arguments.seed)
                except Exception as error:  # noqa: BLE001  (a run that breaks is a cell, the others go on)
                    cell = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
                cells[fault.__name__, name] = cell
                print(f"{unique}: {cell}", file=sys.stderr, flush=True)
    print(rendered([(fault.__name__, title(fault)) for fault in chosen], arguments.contender, cells))
    wrong = failures(cells, control=len(chosen) == len(FAULTS) and "stock" in arguments.contender)
    print("\n".join(wrong) if wrong else "every cell of ours is 0 and 0", f"(logs: {logs})", file=sys.stderr)
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    names = [fault.__name__ for fault in FAULTS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="FAULT", help=f"of {', '.join(names)}")
    parser.add_argument(
        "--contender", nargs="+", choices=list(CONTENDERS), default=list(CONTENDERS), help="one or both"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the input (default %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
