"""docker/ parses, names settings and commands that exist, and builds from the hashed lock as another user than root.

No image is built here: that needs an engine and a registry of images.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.cli import main
from jobs.sections import PREFIX
from jobs.settings import Settings
from tests.architecture.code import ROOT

DOCKERFILE = ROOT / "docker" / "Dockerfile"
INSTRUCTION = re.compile(
    r"^(FROM|RUN|COPY|WORKDIR|ENV|USER|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|CMD|EXPOSE|ARG|LABEL|VOLUME)\s+(.+)$",
    re.DOTALL,
)


def instructions() -> list[tuple[str, str]]:
    """Instructions of the Dockerfile with their arguments, continuation lines joined."""
    text = re.sub(r"\\\n\s*", " ", DOCKERFILE.read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    matches = [INSTRUCTION.match(line) for line in lines]
    assert [line for line, match in zip(lines, matches, strict=True) if match is None] == []
    return [(match.group(1), match.group(2)) for match in matches if match]


def compose() -> dict[str, Any]:
    """The compose file."""
    return dict(yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text()))


def own_services() -> Iterator[tuple[str, dict[str, Any]]]:
    """Services that run our image."""
    for name, service in compose()["services"].items():
        if service["image"] == "customer-perception":
            yield name, service


def settings_names() -> set[str]:
    """Every environment variable of the settings' schema."""
    schema = Settings.model_json_schema()

    def names(properties: dict[str, Any], prefix: str) -> Iterator[str]:
        for name, entry in properties.items():
            yield f"{prefix}{name}".upper()
            reference = entry.get("$ref", "").rpartition("/")[2]
            yield from names(schema["$defs"].get(reference, {}).get("properties", {}), f"{prefix}{name}__")

    return set(names(schema["properties"], PREFIX))


def test_every_file_that_is_copied_is_there_and_let_into_the_context() -> None:
    sources = [
        arguments.split()[0] for name, arguments in instructions() if name == "COPY" and "--from" not in arguments
    ]
    sources += ["LICENSE"]
    allowed = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().splitlines()
    assert [source for source in sources if not (ROOT / source).exists() or f"!{source}" not in allowed] == []


def test_the_image_is_built_from_the_lock_and_does_not_run_as_root() -> None:
    steps = instructions()
    installs = [arguments for name, arguments in steps if name == "RUN" and "pip install" in arguments]
    assert all("--require-hashes -r requirements.txt" in step or "--no-deps" in step for step in installs)
    assert [arguments for name, arguments in steps if name == "USER"] == ["10001"]
    assert "HEALTHCHECK" in dict(steps)


def test_it_starts_commands_that_exist() -> None:
    steps = dict(instructions())
    assert json.loads(steps["ENTRYPOINT"]) == ["perception"]
    health = steps["HEALTHCHECK"].partition("CMD ")[2]
    commands = [json.loads(steps["CMD"]), json.loads(health)[1:]]
    commands += [
        service["command"] for _, service in own_services() if "entrypoint" not in service and "command" in service
    ]
    for first, *_ in commands:
        assert main.get_command(None, first) is not None, first  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "service", [service for _, service in own_services()], ids=[name for name, _ in own_services()]
)
def test_every_variable_is_a_setting(service: dict[str, Any]) -> None:
    ours = {variable for variable in service["environment"] if variable.startswith(PREFIX)}
    assert ours <= settings_names()
    assert ours


def test_two_workers_wait_for_topics_and_tables() -> None:
    services = compose()["services"]
    worker = services["worker"]
    assert worker["deploy"]["replicas"] == 2
    assert set(worker["depends_on"]) == {"topics", "migrate"}
    known = set(services)
    assert all(set(service.get("depends_on", {})) <= known for service in services.values())
    volumes = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert volumes == set(compose()["volumes"])


def test_a_worker_is_given_longer_to_stop_than_it_takes() -> None:
    grace = float(compose()["services"]["worker"]["stop_grace_period"].removesuffix("s"))
    assert grace > Settings.model_validate({}).worker.shutdown_deadline_s


def test_the_image_runs_a_supported_python() -> None:
    version = Path(ROOT / "pyproject.toml").read_text().partition('requires-python = ">=')[2].partition('"')[0]
    bases = {arguments.split()[0] for name, arguments in instructions() if name == "FROM"}
    assert bases == {f"python:{version}-slim"}
