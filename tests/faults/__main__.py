"""``python -m tests.faults``: break a stock Faust agent and this worker in every way, and print one table."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from tests.faults import rig
from tests.faults.case import Case
from tests.faults.contenders import CONTENDERS
from tests.faults.faults import FAULTS
from tests.faults.table import failures, line, rendered


def main() -> int:
    """Run the matrix; exit code 1 if a cell of ours is not clean, or a control passes that must fail."""
    arguments = _arguments()
    chosen = [case for case in FAULTS if not arguments.only or case.name in arguments.only]
    logs = Path(tempfile.mkdtemp(prefix="perception-faults-"))
    cells: dict[tuple[str, str], rig.Cell | str] = {}
    for brokers in sorted({case.brokers for case in chosen}):
        part = [case for case in chosen if case.brokers == brokers]
        with rig.kafka(brokers) as kafka:
            _run(part, kafka, arguments, logs, cells, len(chosen))
    if not arguments.json:
        print(rendered(chosen, arguments.contender, cells))
    wrong = failures(chosen, cells)
    print("\n".join(wrong) if wrong else "every cell of ours is 0 and 0", f"(logs: {logs})", file=sys.stderr)
    return 1 if wrong else 0


def _run(
    cases: Sequence[Case],
    kafka: rig.Kafka,
    arguments: argparse.Namespace,
    logs: Path,
    cells: dict[tuple[str, str], rig.Cell | str],
    total: int,
) -> None:
    for case in cases:
        for contender in arguments.contender:
            name = f"{contender}-{case.name.replace('_', '-')}-{uuid.uuid4().hex[:6]}"
            place = f"[{len(cells) + 1}/{total * len(arguments.contender)}]"
            print(f"{place} {CONTENDERS[contender]}: {case.title} ...", file=sys.stderr, flush=True)
            begun = time.monotonic()
            try:
                cell: rig.Cell | str = rig.run(
                    case, kafka, contender, logs / name, name=name, seed=arguments.seed, brief=arguments.brief
                )
            except Exception as error:  # noqa: BLE001  (a run that breaks is a cell, the others go on)
                cell = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            cells[case.name, contender] = cell
            print(f"{place} {cell} ({time.monotonic() - begun:.0f} s)", file=sys.stderr, flush=True)
            if arguments.json:
                print(line(case, contender, cell), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    names = [case.name for case in FAULTS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument(
        "--contender", nargs="+", choices=list(CONTENDERS), default=list(CONTENDERS), help="one or both"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the input (default %(default)s)")
    parser.add_argument("--brief", action="store_true", help="long outages are short, as in `make test`")
    parser.add_argument("--json", action="store_true", help="one JSON object per cell, as soon as it is known")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
