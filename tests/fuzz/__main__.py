"""``python -m tests.fuzz --inputs N``: N hostile inputs for every target, and one table of how they ended."""

from __future__ import annotations

import argparse
import logging
import sys

from tests.fuzz.targets import Fuzzed, fuzz, targets

SLOW = 20
"""A target that takes milliseconds an input gets so many times fewer of them."""
SLOW_ONES = frozenset({"state", "native"})


def main() -> int:
    """Fuzz; exit code 1 if anything was raised that is no refusal."""
    arguments = _arguments()
    logging.disable()  # what clients say of bad answers
    print("| Target | Inputs | Ended as | Seconds | Slowest run, ms | Memory, MB |")
    print("| --- | ---: | --- | ---: | ---: | ---: |")
    findings = 0
    for name in arguments.only or targets():
        target = targets()[name]()
        inputs = arguments.inputs // SLOW if name in SLOW_ONES else arguments.inputs
        found = fuzz(target, max(inputs, 1), arguments.seed)
        print(_row(target.about, found), flush=True)
        for number, what in found.findings.items():
            print(f"{name}: run {number} of seed {arguments.seed}: {what}", file=sys.stderr, flush=True)
        findings += len(found.findings)
    print(f"{findings} findings", file=sys.stderr)
    return 1 if findings else 0


def _row(about: str, found: Fuzzed) -> str:
    ended = ", ".join(f"{count:,} {name}" for name, count in found.ended.most_common())
    return (
        f"| {about} | {found.ended.total() + len(found.findings):,} | {ended} | {found.seconds:.0f} "
        f"| {found.slowest_ms:.0f} | +{found.grown_mb:.0f} |"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="per target (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other inputs (default %(default)s)")
    parser.add_argument("--only", nargs="+", choices=list(targets()), metavar="TARGET", help="some targets only")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
