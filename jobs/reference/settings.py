"""``docs/settings.md``."""

from __future__ import annotations

from jobs.reference.markdown import block, code, page, prose, table
from jobs.reference.variables import Section, Variable, sections

_INTRODUCTION = """Every setting is a variable of the environment with a default that works on one machine.
A duration is seconds (`90`) or a text such as `30m`, `7d`, `1h30m` or `PT30M`.
`perception doctor` names variables that no setting reads, and checks what the others point to."""

_EXAMPLE = """PERCEPTION_KAFKA__BOOTSTRAP_SERVERS=kafka-1:9092,kafka-2:9092
PERCEPTION_WAREHOUSE__URL=clickhouse://perception:secret@clickhouse:9000/perception
PERCEPTION_POLICY__LATENESS=3d
PERCEPTION_POLICY__CHANNEL_GAPS='{"email": "2d"}'   # channels that it does not name keep their default"""


def render() -> str:
    """The page."""
    return page("Settings", _INTRODUCTION, block(_EXAMPLE, "sh"), *(_section(section) for section in sections()))


def _section(section: Section) -> str:
    rows = [_row(variable) for variable in section.variables]
    return f"## {section.name}\n\n{prose(section.about)}\n\n" + table(["Variable", "Type", "Default", "Meaning"], rows)


def _row(variable: Variable) -> tuple[str, ...]:
    default = "not given" if variable.default is None else code(variable.default) if variable.default else "empty"
    return code(variable.name), prose(variable.type), default, prose(variable.description).replace("``", "`")
