"""Settings from the environment: ``PERCEPTION_<SECTION>__<NAME>``, for example ``PERCEPTION_KAFKA__TOPIC``.

Durations are seconds or texts such as ``30m``, ``7d``, ``PT30M``. Nothing is read at import: call :func:`load`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

from jobs.durations import duration_ms
from jobs.errors import SettingsError
from jobs.notify.settings import NotifySettings
from jobs.sections import PREFIX, Seconds, Section, SecuritySettings, with_login
from pipeline.detect.policy import Detection
from pipeline.policy import Policy
from schemas.limits import Limits


def _policy(value: object) -> object:
    """``{"lateness": "7d"}`` or ``{"lateness_ms": 604800000}`` as the arguments of :class:`Policy`."""
    if not isinstance(value, Mapping):
        return value
    return dict(_policy_field(str(name).lower(), given) for name, given in value.items())


def _policy_field(name: str, given: Any) -> tuple[str, Any]:
    defaults = {field.name: getattr(Policy(), field.name) for field in fields(Policy)}
    default = defaults.get(f"{name}_ms", defaults.get(name))
    if default is None:
        raise ValueError(f"unknown name {name!r}; known are {', '.join(f.removesuffix('_ms') for f in defaults)}")
    if name in defaults:
        return name, given.split(",") if isinstance(default, frozenset) and isinstance(given, str) else given
    if isinstance(default, int):
        return f"{name}_ms", duration_ms(given)
    gaps = json.loads(given) if isinstance(given, str) else given
    if not isinstance(gaps, Mapping):
        message = f"{name} must be a JSON object of names and durations, not {given!r}"
        raise ValueError(message)  # noqa: TRY004 - the kind that pydantic reports
    return f"{name}_ms", {**default, **{key: duration_ms(gap) for key, gap in gaps.items()}}


def _limits(value: object) -> object:
    if isinstance(value, Mapping) and (unknown := {str(name) for name in value} - {f.name for f in fields(Limits)}):
        raise ValueError(f"unknown name {min(unknown)!r}; known are {', '.join(f.name for f in fields(Limits))}")
    return value


class KafkaSettings(Section):
    """Broker, consumer group and topics."""

    bootstrap_servers: str = Field("localhost:9092", description="host:port, comma separated")
    application_id: str = Field("perception", min_length=1, description="consumer group and prefix of own topics")
    topic: str = Field("interactions-v1", min_length=1, description="events in")
    rejected_topic: str = Field("interactions-rejected-v1", min_length=1, description="refused records out")
    alerts_topic: str = Field("alerts-v1", min_length=1, description="transitions of alerts out")
    cells_topic: str = Field("perception-cells-v1", min_length=1, description="what flushes changed, for detection")
    silences_topic: str = Field("alert-silences-v1", min_length=1, description="what nobody is told for a while")
    partitions: int = Field(8, ge=1, le=10_000, description="of the interactions topic; never changed later")
    replication_factor: int = Field(1, ge=1, le=32, description="3 in production")
    retention_s: Seconds = Field(7 * 86_400.0, description="of the interactions topic")
    rejected_retention_s: Seconds = Field(30 * 86_400.0, description="of the rejected topic")
    cells_retention_s: Seconds = Field(7 * 86_400.0, description="of the cells topic: longest halt of detection")
    topic_allow_declare: bool = Field(True, description="the worker may create its topics; false in production")
    request_timeout_s: Seconds = Field(90.0, description="of a broker request")
    session_timeout_s: Seconds = Field(20.0, description="silence after which others take a worker's partitions over")
    batch_bytes: int = Field(64 << 20, ge=1 << 20, description="a compressed batch that expands beyond is rejected")
    instance_id: str | None = Field(None, description="static membership: a restart within the session timeout is none")
    security: SecuritySettings = SecuritySettings()

    @property
    def changelog_topic(self) -> str:
        """The compacted topic that holds the worker's state."""
        return f"{self.application_id}-state-v1-changelog"

    @property
    def detection(self) -> KafkaSettings:
        """The same for detection: it reads the cells topic, and its state is a topic of its own."""
        return self.model_copy(
            update={"application_id": f"{self.application_id}-detect", "topic": self.cells_topic, "partitions": 1}
        )

    @property
    def streams(self) -> Mapping[str, str]:
        """Stream of a flush's messages -> topic."""
        return {"cells": self.cells_topic, "alerts": self.alerts_topic}

    @property
    def notify_group(self) -> str:
        """Consumer group of those that deliver alerts."""
        return f"{self.application_id}-notify-v1"

    @property
    def notified_topic(self) -> str:
        """The compacted topic that remembers who was told of which alert."""
        return f"{self.application_id}-notified-v1"


class WarehouseSettings(Section):
    """Where rows go."""

    url: str = Field(
        default_factory=lambda: f"chdb://{Path.cwd() / 'perception-data'}",
        description="chdb:///path, clickhouse://user:password@host:9000/db or clickhouses:// for TLS",
        repr=False,
    )
    password: SecretStr | None = Field(None, description="of the server's user, instead of one in the url")
    password_file: str | None = Field(None, description="file that holds the password")
    cafile: str | None = Field(
        None, description="CA certificates (PEM file) of clickhouses://, instead of the system's"
    )
    cluster: str | None = Field(None, description="ClickHouse cluster: tables are created ON CLUSTER, replicated")
    send_receive_timeout_s: Seconds = Field(60.0, description="of one ClickHouse statement")

    @model_validator(mode="after")
    def _complete(self) -> WarehouseSettings:
        """The url with all that belongs to it; an address that is given on a command line gets none of this."""
        if self.password or self.cafile:
            password = self.password.get_secret_value() if self.password else None
            object.__setattr__(self, "url", with_login(self.url, password, self.cafile))
        return self


class ModelSettings(Section):
    """The perception model."""

    file: str | None = Field(None, description="model file (TOML); `perception model default` prints the start model")


class WorkerSettings(Section):
    """How often a worker writes, and when it stops instead of going on."""

    flush_records: int = Field(50_000, ge=1, description="records of a partition that make a flush")
    flush_bytes: int = Field(32 << 20, ge=1, description="bytes of values of a partition that make a flush")
    flush_interval_s: Seconds = Field(1.0, description="longest wait of a record for its flush")
    shutdown_deadline_s: Seconds = Field(30.0, description="time to write what is in hand after SIGTERM")
    memory_bytes: int = Field(
        0, ge=0, description="that a worker may use; above 75 % it takes no more records; 0 = all its container has"
    )
    rejected_share_limit: float = Field(0.5, gt=0, le=1, description="share of rejected records that stops the worker")
    rejected_share_records: int = Field(1_000, ge=1, description="records over which that share is measured")
    tick_interval_s: Seconds = Field(60.0, description="between ticks that advance idle partitions; 0 = none")
    web: bool = Field(False, description="Faust's web server, on loopback only")
    web_port: int = Field(6066, ge=1, le=65_535, description="of that server")
    health: bool = Field(True, description="watch for hangs, and answer `/healthz` and `/readyz`")
    health_host: str = Field("127.0.0.1", min_length=1, description="where to answer; loopback only by default")
    health_port: int = Field(8085, ge=0, le=65_535, description="where to answer; 0 = any free one, the log says which")
    hang_after_s: Seconds = Field(20.0, gt=0, description="silence of the event loop or of a flush that is a hang")
    stall_after_s: Seconds = Field(120.0, gt=0, description="wait without progress after which a worker is not ready")


class AlertsSettings(Section):
    """Detection of sudden drops, surges of contacts and silence."""

    enabled: bool = Field(True, description="publish cells and detect")
    grains: Literal["hour", "day", "hour,day"] = Field("hour,day", description="widths of buckets, comma separated")
    false_alarm_s: Seconds = Field(7 * 86_400.0, gt=0, description="per tolerated false alarm of leaves, of parents")
    customers: int = Field(
        10, ge=1, description="least distinct customers behind an alert; 1 where a row is a mean, not a customer"
    )
    grace_s: Seconds = Field(1_800.0, ge=0, description="event time after its end at which a bucket is judged")
    idle_timeout_s: Seconds = Field(600.0, gt=0, description="silence after which nobody waits for a partition")
    amend_interval_s: Seconds = Field(300.0, ge=0, description="between two looks at what late data have changed")
    interval_s: Seconds = Field(30.0, gt=0, description="between two flushes of detection")
    look_up: bool = Field(True, description="ask the warehouse for signals that moved and example customers")

    def policy(self, settling_ms: int) -> Detection:
        """As the core wants it; ``settling_ms``: when cells are final."""
        return Detection(
            settling_ms=settling_ms,
            grains=tuple(self.grains.split(",")),
            false_alarm_days=self.false_alarm_s / 86_400,
            customers=self.customers,
            grace_ms=round(self.grace_s * 1_000),
            idle_ms=round(self.idle_timeout_s * 1_000),
            amend_ms=round(self.amend_interval_s * 1_000),
        )


class Settings(BaseSettings):
    """All settings; every one has a default that works on one machine."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="ignore", frozen=True)

    kafka: KafkaSettings = KafkaSettings()
    warehouse: WarehouseSettings = Field(default_factory=WarehouseSettings)
    model: ModelSettings = ModelSettings()
    worker: WorkerSettings = WorkerSettings()
    alerts: AlertsSettings = AlertsSettings()
    notify: NotifySettings = NotifySettings()
    policy: Annotated[Policy, BeforeValidator(_policy)] = Policy()
    limits: Annotated[Limits, BeforeValidator(_limits)] = Limits()


def load() -> Settings:
    """The settings of this process. Raises :class:`SettingsError` that names the variable."""
    action = "Correct or unset the variable, then try again."
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(_explain(error), action=action) from None
    except SourceError as error:
        raise SettingsError(f"{PREFIX}…: {error}", action=action) from None


def _explain(error: ValidationError) -> str:
    return "\n".join(
        f"{PREFIX}{'__'.join(str(part) for part in item['loc']).upper()}: {item['msg'].removeprefix('Value error, ')}"
        for item in error.errors(include_input=False, include_url=False)
    )


_OTHERS: Final = frozenset({"PERCEPTION_DEBUG", "PERCEPTION_REQUIRE_SERVICES"})
"""Variables with our prefix that are no settings."""


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables with our prefix that no setting reads: spelling mistakes, most likely."""
    sections = tuple(f"{PREFIX}{name.upper()}" for name in Settings.model_fields)
    return sorted(
        name
        for name in (given.upper() for given in environment)
        if name.startswith(PREFIX) and not name.startswith(f"{PREFIX}TEST_") and name not in _OTHERS
        if name not in sections and not name.startswith(tuple(f"{section}__" for section in sections))
    )
