"""Secrets come from files or from the environment, one of both, and are not shown whatever goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from jobs.errors import SettingsError
from jobs.settings import Settings, load
from jobs.warehouse.errors import WarehouseUrlError
from jobs.warehouse.url import parse

SECRET = "hunter2-planted"


def secrets(kind: type[BaseModel] = Settings, path: str = "PERCEPTION_") -> dict[str, str]:
    """Variable of every secret setting, found by walking the settings -> the variable of its file."""
    found: dict[str, str] = {}
    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= secrets(inner, f"{path}{name.upper()}__")
        elif SecretStr in getattr(inner, "__args__", (inner,)):
            found[f"{path}{name.upper()}"] = f"{path}{name.upper()}_FILE" if f"{name}_file" in kind.model_fields else ""
    return found


def value(settings: Settings, variable: str) -> str:
    """The secret that a variable became."""
    found: object = settings
    for part in variable.removeprefix("PERCEPTION_").lower().split("__"):
        found = getattr(found, part)
    assert isinstance(found, SecretStr)
    return found.get_secret_value()


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERCEPTION_WAREHOUSE__URL", "clickhouses://me@db/perception")


def test_there_are_secrets_to_look_at() -> None:
    assert len(secrets()) >= 3


@pytest.mark.parametrize(("variable", "file"), secrets().items())
def test_every_secret_may_come_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, file: str
) -> None:
    assert file, "every secret has a variable for its file"
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\r\n")
    monkeypatch.setenv(file, str(secret))
    settings = load()
    assert value(settings, variable) == SECRET
    assert SECRET not in f"{settings}{settings!r}"
    monkeypatch.setenv(variable, SECRET)
    with pytest.raises(SettingsError, match="are both given") as caught:
        load()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(("content", "message"), [(None, "No such file"), (b"\n", "is empty"), (b"\xff", "no UTF-8")])
def test_a_file_that_holds_no_secret_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, message: str
) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    monkeypatch.setenv("PERCEPTION_KAFKA__SECURITY__PASSWORD_FILE", str(secret))
    with pytest.raises(SettingsError, match=message) as caught:
        load()
    assert str(secret) in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"KAFKA__SECURITY": f'{{"password": "{SECRET}"'},
        {"KAFKA__SECURITY": f'{{"passwort": "{SECRET}"}}'},
        {"KAFKA__SECURITY__PASSWORT": SECRET},
        {"KAFKA__SECURITY__PROTOCOL": SECRET},
        {"KAFKA__SECURITY": SECRET},
        {"KAFKA": SECRET},
        {"WAREHOUSE__PASSWORD": SECRET, "WAREHOUSE__URL": f"clickhouse://me:{SECRET}@db"},
        {"WAREHOUSE__PASSWORD": SECRET, "WAREHOUSE__URL": "chdb:///data"},
    ],
)
def test_no_mistake_in_the_settings_shows_a_secret(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> None:
    for name, text in given.items():
        monkeypatch.setenv(f"PERCEPTION_{name}", text)
    with pytest.raises(SettingsError) as caught:
        load()
    error: BaseException | None = caught.value
    assert caught.value.action
    while error is not None:
        assert SECRET not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.parametrize(
    "url",
    [
        f"clickhouse://me:{SECRET}/x@db/perception",
        f"clickhouse://me:1{SECRET}?x@db/perception",
        f"clickhouse://me:{SECRET}#x@db/perception",
        f"clickhouse://me:{SECRET}\u2100@db/perception",
        f"clickhouse:/me:{SECRET}@db/perception",
        f"clickhouse:me:{SECRET}@db",
        f"clickhouse://[me:{SECRET}@db",
    ],
)
def test_an_address_that_cannot_be_taken_apart_is_not_shown(url: str) -> None:
    with pytest.raises(WarehouseUrlError) as caught:
        parse(url)
    assert SECRET not in str(caught.value)
    assert "%2F" in caught.value.action
