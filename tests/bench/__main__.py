"""``python -m tests.bench``: measure both contestants in alternating rounds on one broker.

State begins empty but for the warm-up: ``--warm-up 200000`` measures customers who have a past of some weeks.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from tests.bench import contestants, report
from tests.bench.measure import Sample, measure
from tests.bench.workload import Workload, simulated
from tests.services import decide

Contestant = Callable[[str, int, Path], AbstractContextManager[contestants.Running]]


def main() -> int:
    """Measure and report; exit code 1 if ``--floor`` is given and missed."""
    arguments = _arguments()
    most = arguments.warm_up + max(arguments.events, arguments.plain_events)
    stream = simulated(most, arguments.customers, arguments.seed)
    contest: dict[str, tuple[Contestant, int]] = {
        "plain": (contestants.plain, arguments.plain_events),
        "perception": (contestants.perception, arguments.events),
    }
    samples: dict[str, list[Sample]] = {name: [] for name in contest}
    with tempfile.TemporaryDirectory(prefix="perception-bench-") as scratch, decide.kafka() as kafka:
        for number in range(1, arguments.rounds + 1):
            for name, (contestant, events) in contest.items():
                warm_up, load = cut(stream, arguments.warm_up, events)
                with contestant(kafka.bootstrap, arguments.partitions, Path(scratch)) as running:
                    sample = measure(kafka.bootstrap, running, warm_up, load, arguments.partitions)
                samples[name].append(sample)
                line = f"round {number} {name}: {sample.events_per_cpu_second:,.0f} events per CPU second"
                print(line, file=sys.stderr, flush=True)
    result = report.summary(samples, vars(arguments))
    print(json.dumps(result, indent=2)) if arguments.json else report.show(result)
    return 1 if arguments.floor and result["ratio"] < report.FLOOR else 0


def cut(stream: Workload, warm_up: int, events: int) -> tuple[Workload, Workload]:
    """Warm-up and measurement of one stream: event time must not run backwards between them."""
    return Workload(stream.records[:warm_up]), Workload(stream.records[warm_up : warm_up + events])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, help="events for the worker (default %(default)s)")
    parser.add_argument(
        "--plain-events", type=int, default=40_000, help="events for the plain agent (default %(default)s)"
    )
    parser.add_argument("--warm-up", type=int, default=2_000, help="events before the measured ones (%(default)s)")
    parser.add_argument("--customers", type=int, default=10_000, help="simulated customers (default %(default)s)")
    parser.add_argument("--partitions", type=int, default=4, help="of the input topic (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the simulation (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--floor", action="store_true", help="fail below the floor")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
