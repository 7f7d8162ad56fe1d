"""One contract per override of Faust's internals: an upgrade that breaks one says so here.

``OVERRIDES`` names, for every overridden attribute, its signature in Faust and the places in Faust that rely on it.
The first test finds the overrides by introspection, so that a new one without a contract fails.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import faust
import mode
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from faust.app.base import App, BootStrategy
from faust.cli.worker import worker as worker_command
from faust.serializers.schemas import Schema
from faust.tables import base as table_base
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.tables.table import Table
from faust.transport import base as transport_base
from faust.transport import conductor
from faust.transport import consumer as consumer_base
from faust.transport.drivers import aiokafka as driver
from faust.worker import Worker
from mode.supervisors import CrashingSupervisor

import jobs.stream

# (class.attribute overridden, Faust's signature, [(where Faust relies on it, with these words)])
OVERRIDES: dict[str, tuple[Any, str, list[tuple[Any, str]]]] = {
    "transport.Consumer.getmany": (
        consumer_base.Consumer.getmany,
        "(self, timeout: float) -> AsyncIterator[Tuple[faust.types.tuples.TP, faust.types.tuples.Message]]",
        [
            (consumer_base.Consumer._drain_messages, "ait = cast(AsyncIterator, getmany(timeout=1.0))"),
            (consumer_base.Consumer._drain_messages, "async for tp, message in ait:"),
            (consumer_base.Consumer._drain_messages, "if r_offset is None or offset >= r_offset:"),
            (consumer_base.Consumer._drain_messages, "if acks_enabled:"),
            (consumer_base.Consumer._wait_next_records, "return records, active_partitions"),
            (driver.AIOKafkaConsumerThread._fetch_records, "return await fetcher.fetched_records("),
        ],
    ),
    "transport.Consumer.perform_seek": (
        consumer_base.Consumer.perform_seek,
        "(self) -> None",
        [(Recovery.on_recovery_completed, "consumer.perform_seek()")],
    ),
    "transport.Consumer.wait_empty": (
        consumer_base.Consumer.wait_empty,
        "(self) -> None",
        [
            (App._consumer_wait_empty, "if self.conf.stream_wait_empty:"),
            (App._consumer_wait_empty, "await consumer.wait_empty()"),
            (App._stop_consumer, "await self._consumer_wait_empty(consumer, self.log)"),
            (App._on_partitions_revoked, "await T(self._consumer_wait_empty)(consumer, on_timeout)"),
            (consumer_base.Consumer.on_partitions_revoked, "await T(self._on_partitions_revoked"),
        ],
    ),
    "transport.Consumer._new_consumer_thread": (
        driver.Consumer._new_consumer_thread,
        "(self) -> 'AIOKafkaConsumerThread'",
        [(consumer_base.ThreadDelegateConsumer.__init__, "self._thread = self._new_consumer_thread()")],
    ),
    "transport.ConsumerThread._create_worker_consumer": (
        driver.AIOKafkaConsumerThread._create_worker_consumer,
        "(self, transport: 'Transport') -> aiokafka.consumer.consumer.AIOKafkaConsumer",
        [
            (driver.AIOKafkaConsumerThread._create_consumer, "return self._create_worker_consumer(transport)"),
            (AIOKafkaConsumer.start, "isolation_level=self._isolation_level"),
            (AIOKafkaConsumer.start, "fetch_min_bytes=self._fetch_min_bytes"),
            (AIOKafkaConsumer.start, "fetch_max_wait_ms=self._fetch_max_wait_ms"),
        ],
    ),
    "transport.Producer._settings_extra": (
        driver.Producer._settings_extra,
        "(self) -> Mapping[str, Any]",
        [(driver.Producer._new_producer, "**self._settings_extra()")],
    ),
    "transport.Transport.Consumer": (
        transport_base.Transport.create_consumer,
        (
            "(self, callback: Callable[[faust.types.tuples.Message], Awaitable], **kwargs: Any) -> "
            "faust.types.transports.ConsumerT"
        ),
        [(transport_base.Transport.create_consumer, "self.Consumer(self")],
    ),
    "transport.Transport.Producer": (
        transport_base.Transport.create_producer,
        "(self, **kwargs: Any) -> faust.types.transports.ProducerT",
        [(transport_base.Transport.create_producer, "self.Producer(self")],
    ),
    "transport.BatchSchema.compile": (
        Schema.compile,
        (
            "(self, app: faust.types.app.AppT, *, on_key_decode_error: Callable[[Exception, "
            "faust.types.tuples.Message], Awaitable[NoneType]] = <>, on_value_decode_error: Callable[[Exception, "
            "faust.types.tuples.Message], Awaitable[NoneType]] = <>, default_propagate: bool = False) -> "
            "Callable[..., Awaitable[faust.types.events.EventT]]"
        ),
        [
            (faust.Topic._compile_decode, "self.decode = self.schema.compile("),
            (conductor.ConductorCompiler.build, "await chan.decode(message, propagate=True)"),
        ],
    ),
    "recovery.TableManager.recovery": (
        TableManager.recovery.fget,
        "(self) -> faust.tables.recovery.Recovery",
        [
            (TableManager.on_start, "await self.recovery.start()"),
            (TableManager.on_rebalance, "await T(self.recovery.on_rebalance)("),
            (TableManager.on_stop, "await self._recovery.stop()"),
        ],
    ),
    "recovery.Recovery._build_highwaters": (
        Recovery._build_highwaters,
        (
            "(self, consumer: faust.types.transports.ConsumerT, tps: Set[faust.types.tuples.TP], "
            "destination: Counter[faust.types.tuples.TP], title: str) -> None"
        ),
        [(Recovery._restart_recovery, "T(self._build_highwaters)(")],
    ),
    "recovery.Recovery._build_offsets": (
        Recovery._build_offsets,
        (
            "(self, consumer: faust.types.transports.ConsumerT, tps: Set[faust.types.tuples.TP], "
            "destination: Counter[faust.types.tuples.TP], title: str) -> None"
        ),
        [(Recovery._restart_recovery, "T(self._build_offsets)(")],
    ),
    "recovery.Recovery._seek_offsets": (
        Recovery._seek_offsets,
        (
            "(self, consumer: faust.types.transports.ConsumerT, tps: Set[faust.types.tuples.TP], "
            "offsets: Counter[faust.types.tuples.TP], title: str) -> None"
        ),
        [(Recovery._restart_recovery, "T(self._seek_offsets)(")],
    ),
    "recovery.Recovery.need_recovery": (
        Recovery.need_recovery,
        "(self) -> bool",
        [(Recovery._restart_recovery, "if self.need_recovery():")],
    ),
    "recovery.Recovery.on_recovery_completed": (
        Recovery.on_recovery_completed,
        "(self, generation_id: int = 0) -> None",
        [
            (Recovery._restart_recovery, "await self._wait(T(self.on_recovery_completed)(generation_id))"),
            (Recovery._wait, "raise RebalanceAgain()"),
            (Recovery.on_recovery_completed, "consumer.resume_flow()"),
        ],
    ),
    "store.StateTable._new_store": (
        table_base.Collection._new_store,
        "(self) -> faust.types.stores.StoreT",
        [(table_base.Collection.data.fget, "self._data = self._new_store()")],
    ),
    "store.StateTable.on_key_set": (Table.on_key_set, "(self, key: ~KT, value: ~VT) -> None", []),
    "store.StateTable.on_key_del": (Table.on_key_del, "(self, key: ~KT) -> None", []),
    "app.BootStrategy._should_enable_web": (
        BootStrategy._should_enable_web,
        "(self) -> bool",
        [
            (BootStrategy.web_server, "if self._should_enable_web():"),
            (worker_command._init_worker_options, "self.app.conf.web_enabled = with_web"),
        ],
    ),
    "app.App.BootStrategy": (
        App.__init__,
        "",
        [(App.__init__, "self.boot_strategy = self.BootStrategy(self)")],
    ),
    "app.App._new_transport": (
        App._new_transport,
        "(self) -> faust.types.transports.TransportT",
        [(App.transport.fget, "self._transport = self._new_transport()")],
    ),
    "app.App._create_directories": (
        App._create_directories,
        "(self) -> None",
        [(App.on_first_start, "self._create_directories()")],
    ),
    "app.App.on_start": (App.on_start, "(self) -> None", []),
    "app.App.on_stop": (App.on_stop, "(self) -> None", [(App.on_stop, "await self._stop_consumer()")]),
    "process.Worker.on_first_start": (
        Worker.on_first_start,
        "(self) -> None",
        [(mode.Service._actually_start, "await self.on_first_start()")],
    ),
    "process.Worker.on_worker_shutdown": (
        Worker.on_worker_shutdown,
        "(self) -> None",
        [(mode.Worker.execute_from_commandline, "self.on_worker_shutdown()")],
    ),
    "process.Worker._flag_as_shutdown_by_signal": (
        Worker._flag_as_shutdown_by_signal,
        "(self) -> None",
        [
            (Worker._on_sigterm, "self._flag_as_shutdown_by_signal()"),
            (Worker._on_sigint, "self._flag_as_shutdown_by_signal()"),
        ],
    ),
}
PLUMBING = {"__init__", "__len__", "__iter__", "__post_init__", "logger", "abstract", "_tasks"}
PYTHON = {"__module__", "__doc__", "__annotations__", "__hash__", "__parameters__", "__abstractmethods__"}


def own_classes() -> Iterator[tuple[str, type]]:
    for info in pkgutil.iter_modules(jobs.stream.__path__):
        module = importlib.import_module(f"jobs.stream.{info.name}")
        for name, found in vars(module).items():
            if inspect.isclass(found) and found.__module__ == module.__name__:
                yield f"{info.name}.{name}", found


def overridden() -> Iterator[str]:
    for path, found in own_classes():
        bases = [base for base in found.__mro__[1:] if base.__module__.split(".")[0] in {"faust", "mode"}]
        for name in vars(found):
            if (
                name not in PLUMBING | PYTHON
                and not name.startswith("_abc_")
                and any(name in vars(base) for base in bases)
            ):
                yield f"{path}.{name}"


def test_every_override_has_a_contract() -> None:
    assert set(overridden()) == set(OVERRIDES)


@pytest.mark.parametrize("name", OVERRIDES)
def test_faust_calls_what_is_overridden(name: str) -> None:
    function, signature, callers = OVERRIDES[name]
    if signature:
        assert shown(function) == signature
    for caller, words in callers:
        assert words in inspect.getsource(inspect.unwrap(getattr(caller, "fun", caller))), caller


def shown(function: FunctionType) -> str:
    found = inspect.signature(function)
    text = str(found)
    for parameter in found.parameters.values():
        if callable(parameter.default) and parameter.default is not inspect.Parameter.empty:
            text = text.replace(str(parameter.default), "<>")
    return text


def test_the_versions_are_the_ones_this_was_written_for() -> None:
    assert faust.__version__ == "0.15.3"


def test_crashing_supervisor_leaves_no_supervisor_on_the_actor() -> None:
    assert "pass" in inspect.getsource(CrashingSupervisor._contribute_to_service)


def test_batches_api_of_the_producer() -> None:
    assert str(inspect.signature(AIOKafkaProducer.create_batch)) == "(self)"
    assert str(inspect.signature(AIOKafkaProducer.send_batch)) == "(self, batch, topic, *, partition)"


def test_commit_of_the_driver_takes_next_offsets_and_says_whether_it_did() -> None:
    source = inspect.getsource(driver.AIOKafkaConsumerThread._commit)
    assert "OffsetAndMetadata(offset, " in source
    assert 'if "already rebalanced" in str(exc):\n                return False' in source
