"""Known vulnerabilities of the pinned dependencies (``python -m tests.architecture.audit``), by pip-audit.

It fails where a pin has one. Where the registry has no such data (many mirrors), or does not answer, it says so loudly
and passes, because that is no property of the code; ``--strict`` fails then, too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.architecture.locks import LOCKS, ROOT

TIMEOUT_S = 120
ASK_S = 10
"""Of one question to the registry."""
LINE = "=" * 100


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found out about a set of pins."""

    audited: int
    vulnerable: Sequence[str] = ()
    """One line for each vulnerability of each pin."""
    unknown: Sequence[str] = ()
    """Pins that could not be looked up."""
    trouble: str = ""
    """Why nothing could be found out at all."""

    @property
    def complete(self) -> bool:
        """Whether every pin was looked up."""
        return not self.unknown and not self.trouble


def judged(report: Any) -> Audit:
    """What a report of pip-audit (its JSON form) says."""
    pins = report["dependencies"]
    known = [pin for pin in pins if "skip_reason" not in pin]
    vulnerable = [
        f"{pin['name']} {pin['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'no release'}"
        for pin in known
        for flaw in pin["vulns"]
    ]
    return Audit(len(known), vulnerable, [pin["name"] for pin in pins if "skip_reason" in pin])


def audit(lock: Path, environment: Mapping[str, str] | None = None) -> Audit:
    """Ask the registry about every pin of a lock file; nothing is installed or resolved."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--require-hashes", "--disable-pip"]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", str(ASK_S)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, env=environment)
        return judged(json.loads(done.stdout))
    except subprocess.TimeoutExpired:
        return Audit(0, trouble=f"no answer within {TIMEOUT_S} s")
    except (ValueError, KeyError, TypeError):
        return Audit(
            0, trouble=done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "pip-audit said nothing"
        )


def told(name: str, found: Audit) -> str:
    """The result as a text; what was not audited cannot be overlooked."""
    lines = [f"{name}: {found.audited} pins audited, {len(found.vulnerable)} known vulnerabilities", *found.vulnerable]
    if not found.complete:
        why = found.trouble or f"the registry has no data about {len(found.unknown)} pins"
        lines += [LINE, f"NOT AUDITED: {name}: {why}", LINE]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit the locks; exit code 1 if a pin has a known vulnerability."""
    parser = argparse.ArgumentParser(prog="python -m tests.architecture.audit", description=__doc__)
    parser.add_argument("--strict", action="store_true", help="fail if anything could not be audited, too")
    strict = parser.parse_args(arguments).strict
    found = {lock.file: audit(ROOT / lock.file) for lock in LOCKS}
    print("\n".join(told(name, one) for name, one in found.items()))
    return int(any(one.vulnerable or (strict and not one.complete) for one in found.values()))


if __name__ == "__main__":
    sys.exit(main())
