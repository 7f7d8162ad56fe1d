"""The Faust application of this process, configured by the environment: ``faust -A jobs.worker worker``.

``app`` is made when it is first asked for; importing this module does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from jobs.alerts.informed import Informed
from jobs.errors import PerceptionError
from jobs.models import chosen_model
from jobs.settings import Settings, load
from jobs.stream.app import App, build_app
from jobs.stream.protocols import Pipeline, State
from jobs.warehouse import Warehouse, open_warehouse
from jobs.warehouse.parameters import model_parameters
from jobs.warehouse.schema import differences
from pipeline.detection import DetectionPipeline
from pipeline.model import Model
from pipeline.partition import PartitionPipeline

EMBEDDED = "chdb:"
WRITERS = 4
"""Threads that insert rows into a server; an embedded engine has one."""


class TablesError(PerceptionError):
    """The warehouse's tables are not what the pipeline writes."""


def pipeline_of(settings: Settings, model: Model, topic: str, partition: int, state: State) -> PartitionPipeline:
    """The rules of one partition over its state."""
    return PartitionPipeline(
        topic,
        partition,
        policy=settings.policy,
        model=model,
        limits=settings.limits,
        state=state,
        cells_source=settings.kafka.application_id if settings.alerts.enabled else None,
    )


def detection_of(settings: Settings, warehouse: Callable[[], Warehouse], _: str, number: int, state: State) -> Pipeline:
    """Detection over the cells of this application."""
    policy = settings.alerts.policy(settings.policy.cell_settling_ms)
    found = DetectionPipeline(settings.kafka.application_id, number, policy=policy, state=state)
    return Informed(found, warehouse) if settings.alerts.look_up else found


def warehouse_of(settings: Settings) -> Warehouse:
    """The warehouse, ready to take rows: an embedded one is migrated here, a server's tables are only checked."""
    chosen, model = settings.warehouse, chosen_model(settings)
    warehouse = open_warehouse(chosen.url, cluster=chosen.cluster, timeout_s=chosen.send_receive_timeout_s)
    try:
        if chosen.url.startswith(EMBEDDED):
            warehouse.migrate(model_parameters(model), model=model.version)
        else:
            _check(warehouse, model)
    except BaseException:
        warehouse.close()
        raise
    return warehouse


def _check(warehouse: Warehouse, model: Model) -> None:
    if found := differences(warehouse):
        raise TablesError(
            f"the tables of {warehouse.url} are not the declared ones: " + "; ".join(found[:5]),
            action="Run `perception warehouse migrate`.",
        )
    if [(model.version,)] != (used := list(warehouse.query("SELECT model_version FROM model").rows)):
        raise TablesError(
            f"the views of {warehouse.url} calculate with the model {used}, this worker with {model.version}",
            action="Give both the same PERCEPTION_MODEL__FILE, then run `perception warehouse migrate`.",
        )


def make_app(settings: Settings) -> App:
    """The application for these settings."""
    pipeline = partial(pipeline_of, settings, chosen_model(settings))
    writers = 1 if settings.warehouse.url.startswith(EMBEDDED) else WRITERS
    warehouse = cache(partial(warehouse_of, settings))  # one for rows and questions: an embedded one opens once
    detection = partial(detection_of, settings, warehouse) if settings.alerts.enabled else None
    return build_app(settings, pipeline, warehouse, writers=writers, detection=detection)


@cache
def _app() -> App:
    return make_app(load())


def __getattr__(name: str) -> Any:
    if name == "app":
        return _app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
