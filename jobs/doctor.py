"""Is everything there that the settings name? Each check says what it found and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from jobs import topics
from jobs.errors import PerceptionError
from jobs.settings import Settings, unknown_variables
from jobs.warehouse import Warehouse, open_warehouse, schema
from jobs.warehouse.errors import WarehouseError
from jobs.warehouse.url import parse

Status = Literal["ok", "warning", "failure"]

AREAS: Final = ("settings", "kafka", "warehouse")
_TIMEOUT_S: Final = 10.0
_OLDEST_ENGINE: Final = (24, 3)
"""ClickHouse from which the views and the ``is_deleted`` tables work."""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding."""

    area: str
    status: Status
    finding: str
    action: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def examine(settings: Settings, environment: Mapping[str, str], areas: tuple[str, ...] = AREAS) -> Iterator[Check]:
    """The findings, one after the other; a broken part ends its own area only."""
    checks: dict[str, Callable[[], Iterator[Check]]] = {
        "settings": lambda: _settings(settings, environment),
        "kafka": lambda: _kafka(settings),
        "warehouse": lambda: _warehouse(settings),
    }
    for area in areas:
        try:
            yield from checks[area]()
        except (PerceptionError, WarehouseError) as error:
            yield Check(area, "failure", str(error), error.action)


def _settings(settings: Settings, environment: Mapping[str, str]) -> Iterator[Check]:
    for name in unknown_variables(environment):
        yield Check("settings", "warning", f"{name} is set, but no setting reads it", "Correct its name, or unset it.")
    if settings.kafka.replication_factor == 1 and not _local(settings.kafka.bootstrap_servers):
        action = "Set PERCEPTION_KAFKA__REPLICATION_FACTOR=3 in production."
        yield Check("settings", "warning", "topics are declared with one replica: a lost disk loses events", action)
    yield from _unprotected(settings)
    yield Check("settings", "ok", f"application {settings.kafka.application_id}, topic {settings.kafka.topic}")


def _unprotected(settings: Settings) -> Iterator[Check]:
    security, address = settings.kafka.security, parse(settings.warehouse.url)
    if security.protocol == "PLAINTEXT" and (security.password or security.cafile):
        action = "Set PERCEPTION_KAFKA__SECURITY__PROTOCOL=SASL_SSL (or SSL)."
        yield Check(
            "settings", "warning", "the broker's login or certificates are set, but PLAINTEXT uses none", action
        )
    if address.password and not address.secure and not _local(f"{address.host}:"):
        finding = f"the warehouse's password and all rows go unencrypted to {address.host}"
        yield Check("settings", "warning", finding, "Use clickhouses:// in PERCEPTION_WAREHOUSE__URL.")


def _local(servers: str) -> bool:
    return all(server.strip().startswith(("localhost:", "127.0.0.1:", "[::1]:")) for server in servers.split(","))


def _kafka(settings: Settings) -> Iterator[Check]:
    kafka = settings.kafka
    with topics.admin(kafka) as client:
        brokers = client.describe_cluster()["brokers"]
        yield Check("kafka", "ok", f"{len(brokers)} broker(s) at {kafka.bootstrap_servers}")
        if len(brokers) < kafka.replication_factor:
            action = "Add brokers, or lower PERCEPTION_KAFKA__REPLICATION_FACTOR."
            yield Check("kafka", "failure", f"{kafka.replication_factor} replicas need as many brokers", action)
        declared = topics.declared(kafka)
        existing = topics.found(client, [topic.name for topic in declared])
    for topic in declared:
        yield from _topic(topic, existing.get(topic.name))


def _topic(topic: topics.Topic, actual: topics.Found | None) -> Iterator[Check]:
    differences = topics.differences(topic, actual)
    if not differences:
        yield Check("kafka", "ok", f"topic {topic.name}: {topic.partitions} partitions, {topic.replicas} replica(s)")
    for difference in differences:
        moved = actual is not None and actual.partitions != topic.partitions
        action = topics.PARTITIONS_ACTION if moved else "Run `perception topics apply`."
        yield Check("kafka", "failure", difference, action)


def _warehouse(settings: Settings) -> Iterator[Check]:
    address = parse(settings.warehouse.url)
    if address.path is not None and not address.path.exists():
        action = (
            "Nothing to do: `perception worker` and `perception replay` make it; or `perception warehouse migrate`."
        )
        yield Check("warehouse", "warning", f"there is no store at {address.masked} yet", action)
        return
    store = open_warehouse(
        settings.warehouse.url, create=False, read_only=True, cluster=settings.warehouse.cluster, timeout_s=_TIMEOUT_S
    )
    try:
        yield from _store(store)
    finally:
        store.close()


def _store(store: Warehouse) -> Iterator[Check]:
    version = str(store.query("SELECT version()").value())
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_ENGINE:
        oldest = ".".join(str(part) for part in _OLDEST_ENGINE)
        yield Check("warehouse", "failure", f"ClickHouse {version} at {store.url} is too old", f"Upgrade to {oldest}+.")
    else:
        yield Check("warehouse", "ok", f"ClickHouse {version} at {store.url}")
    differences = schema.differences(store)
    for difference in differences:
        yield Check("warehouse", "failure", difference, "Run `perception warehouse migrate`.")
    if not differences:
        yield Check("warehouse", "ok", "tables and views are as declared")
