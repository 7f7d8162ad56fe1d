"""What sections of settings share: secrets from files; and the section of the broker's security."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from jobs.durations import duration_ms

PREFIX: Final = "PERCEPTION_"
"""Of every variable."""


def _duration_s(value: object) -> float:
    return duration_ms(value) / 1_000


Seconds = Annotated[float, BeforeValidator(_duration_s)]
"""A duration in seconds, written as any duration text."""


class Section(BaseModel):
    """Settings that belong together; a secret may come from a file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, given: object) -> object:
        """For every ``<secret>_file`` that is given, the secret itself."""
        if not isinstance(given, Mapping):
            return given
        secrets = [
            name for name in cls.model_fields if given.get(f"{name}_file") and f"{name}_file" in cls.model_fields
        ]
        if both := [name for name in secrets if given.get(name)]:
            raise ValueError(f"{both[0]} and {both[0]}_file are both given: unset one of them")
        return {**given, **{name: _secret(f"{name}_file", str(given[f"{name}_file"])) for name in secrets}}


def _secret(name: str, file: str) -> str:
    """The content of a secret's file without the line break that editors put at its end."""
    try:
        text = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise ValueError(f"{name}: {file} cannot be read: {why}") from None
    if not text:
        raise ValueError(f"{name}: {file} is empty")
    return text


class SecuritySettings(Section):
    """How to reach a broker that asks who is there."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="to the broker"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="how to log in; the SASL protocols need it"
    )
    username: str | None = Field(None, description="of the SASL login")
    password: SecretStr | None = Field(None, description="of the SASL login")
    password_file: str | None = Field(None, description="file that holds the password, instead of the password itself")
    allow_unencrypted_login: bool = Field(False, description="SASL_PLAINTEXT: everybody on the way can read the login")
    cafile: str | None = Field(None, description="CA certificates (PEM file) instead of the system's")
    certfile: str | None = Field(None, description="client certificate (PEM file), for mutual TLS")
    keyfile: str | None = Field(None, description="key of the client certificate (PEM file), if not in the same file")
    key_password: SecretStr | None = Field(None, description="of the key, if it is encrypted")
    key_password_file: str | None = Field(None, description="file that holds the password of the key")

    @model_validator(mode="after")
    def _complete(self) -> SecuritySettings:
        if self.protocol.startswith("SASL") and not (self.sasl_mechanism and self.username and self.password):
            raise ValueError(f"protocol {self.protocol} needs sasl_mechanism, username and password")
        if self.protocol == "SASL_PLAINTEXT" and not self.allow_unencrypted_login:
            raise ValueError(
                "protocol SASL_PLAINTEXT sends the login unencrypted: use SASL_SSL, or ask for it by "
                f"{PREFIX}KAFKA__SECURITY__ALLOW_UNENCRYPTED_LOGIN=true"
            )
        if self.keyfile and not self.certfile:
            raise ValueError("keyfile needs certfile")
        for name in ("cafile", "certfile", "keyfile"):
            if (file := getattr(self, name)) and not Path(file).is_file():
                raise ValueError(f"{name}: there is no file {file}")
        return self


def with_login(url: str, password: str | None, cafile: str | None) -> str:
    """The address of a server with a password and a CA file in it."""
    scheme, _, rest = url.partition("://")
    if scheme not in {"clickhouse", "clickhouses"}:
        raise ValueError("password and cafile are for a url that begins with clickhouse:// or clickhouses://")
    if password is not None:
        login, _, place = rest.rpartition("@")
        if ":" in login:
            raise ValueError("the url has a password already: unset one of them")
        rest = f"{login or 'default'}:{quote(password, safe='')}@{place}"
    if cafile is not None:
        rest += f"{'&' if '?' in rest else '?'}cafile={quote(cafile, safe='/')}"
    return f"{scheme}://{rest}"
