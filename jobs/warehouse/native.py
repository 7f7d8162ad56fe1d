"""The warehouse on a ClickHouse server, over the native protocol (clickhouse-driver).

A client is not thread-safe and fails silently when shared, so every thread has its own. Nothing is retried here:
errors say whether they are transient, and the caller repeats the flush.
"""

from __future__ import annotations

import contextlib
import struct
import threading
import traceback
import weakref
from collections.abc import Iterator, Mapping
from typing import Any, Final

from clickhouse_driver import Client
from clickhouse_driver.block import BlockInfo
from clickhouse_driver.defines import DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION as FLAGS_REVISION
from clickhouse_driver.defines import DBMS_MIN_REVISION_WITH_TEMPORARY_TABLES as TABLE_NAME_REVISION
from clickhouse_driver.errors import Error
from clickhouse_driver.protocol import ClientPacketTypes
from clickhouse_driver.varint import write_varint
from clickhouse_driver.writer import write_binary_str

from jobs.warehouse.block import Block, encode
from jobs.warehouse.errors import ReadOnlyError, WarehouseError, WarehouseUnavailableError, from_engine
from jobs.warehouse.formats import render
from jobs.warehouse.migrate import migrate
from jobs.warehouse.protocol import Result
from jobs.warehouse.scales import ScaleError, bound_scales
from jobs.warehouse.sql import Plain, bind, reading, split_format
from jobs.warehouse.tables import declared
from jobs.warehouse.url import Address, Layout
from pipeline.batch import Columns

CONNECT_TIMEOUT_S: Final = 10.0
_SETTINGS: Final = {"session_timezone": "UTC"}
_READING: Final = {**_SETTINGS, "readonly": 2}
_WRITING: Final = {**_SETTINGS, "async_insert": 0}
"""Asynchronous inserts are on by default since 26.2: a row must be stored when the insert returns."""

_GARBLED: Final = (
    ValueError, LookupError, ArithmeticError, struct.error, MemoryError, TypeError, AttributeError, RecursionError,
)  # fmt: skip
"""What the driver raises when it reads bytes that are no answer."""
_DRIVER: Final = "clickhouse_driver"
_OURS: Final = __name__.partition(".")[0]


class _BlockClient(Client):  # type: ignore[misc]
    """A client that sends blocks which are encoded already: the driver's own encoding is several times slower."""

    def send_data(self, sample_block: Any, data: list[Block], types_check: bool = False, columnar: bool = False) -> int:
        """Send the one block and the empty one that ends an insert; called by the driver after the server's header."""
        (block,) = data
        connection, stream = self.connection, self.connection.block_out
        revision = connection.server_info.used_revision
        write_varint(ClientPacketTypes.DATA, connection.fout)
        if revision >= TABLE_NAME_REVISION:
            write_binary_str("", connection.fout)
        BlockInfo().write(stream.fout)
        stream.fout.write(block.to_bytes(flags=revision >= FLAGS_REVISION))
        stream.finalize()
        self.receive_profile_events()
        super().send_data(sample_block, [], columnar=True)
        return block.rows


class NativeWarehouse:
    """A :class:`jobs.warehouse.protocol.Warehouse` on a server."""

    def __init__(
        self, address: Address, *, create: bool = True, read_only: bool = False, timeout_s: float = 60.0
    ) -> None:
        """Nothing is sent yet: clients connect with their first statement."""
        bound_scales()
        self.url = address.masked
        self.layout: Layout = address.layout
        self._address = address
        self._create = create
        self._read_only = read_only
        self._timeout_s = timeout_s
        self._threads = threading.local()
        self._clients: weakref.WeakSet[Client] = weakref.WeakSet()

    def migrate(self, parameters: Mapping[str, float] | None = None, *, model: str | None = None) -> list[str]:
        """See the protocol; makes the database too."""
        self._refuse_if_read_only()
        if self._create and self._address.database != "default":
            self._create_database()
        return migrate(self, parameters, model=model)

    def insert(self, table: str, columns: Columns) -> int:
        """See the protocol."""
        self._refuse_if_read_only()
        block = encode(declared(table), columns)
        if block.rows:
            names = ", ".join(name for name, _, _ in block.columns)
            with self._client() as client:
                client.execute(f"INSERT INTO {table} ({names}) VALUES", [block], settings=_WRITING)
        return block.rows

    def query(self, sql: str, parameters: Mapping[str, Plain] | None = None) -> Result:
        """See the protocol."""
        statement = bind(reading(split_format(sql)[0]), parameters)
        with self._client() as client:
            rows, columns = client.execute(statement, with_column_types=True, settings=_READING)
        names, types = zip(*columns, strict=True) if columns else ((), ())
        return Result(names, types, rows)

    def format(self, sql: str, format: str, parameters: Mapping[str, Plain] | None = None) -> bytes:
        """See the protocol; a server sends blocks only, so the formats are those of :mod:`jobs.warehouse.formats`."""
        statement, named = split_format(sql)
        return render(self.query(statement, parameters), named or format)

    def command(self, sql: str) -> None:
        """See the protocol."""
        self._refuse_if_read_only()
        with self._client() as client:
            client.execute(sql, settings=_WRITING)

    def close(self) -> None:
        """See the protocol."""
        for client in list(self._clients):
            client.disconnect()

    def _refuse_if_read_only(self) -> None:
        if self._read_only:
            raise ReadOnlyError(f"{self.url} is open for reading only")

    def _create_database(self) -> None:
        cluster = self.layout.cluster
        on_cluster = f" ON CLUSTER `{cluster}`" if cluster else ""
        client = self._connected(database="default")
        with _translated(client, self.url):
            client.execute(f"CREATE DATABASE IF NOT EXISTS `{self._address.database}`{on_cluster}")
        client.disconnect()

    @contextlib.contextmanager
    def _client(self) -> Iterator[Client]:
        """This thread's client."""
        client: Client | None = getattr(self._threads, "client", None)
        if client is None:
            client = self._threads.client = self._connected(database=self._address.database)
            self._clients.add(client)
        with _translated(client, self.url):
            yield client

    def _connected(self, *, database: str) -> Client:
        address = self._address
        return _BlockClient(
            address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            database=database,
            client_name="perception",
            secure=address.secure,
            verify=True,
            ca_certs=address.cafile,
            connect_timeout=CONNECT_TIMEOUT_S,
            send_receive_timeout=self._timeout_s,
            tcp_keepalive=True,
        )


@contextlib.contextmanager
def _translated(client: Client, url: str) -> Iterator[None]:
    """Driver errors as errors of our tree; whatever failed, the connection's state is unknown and it is dropped."""
    try:
        yield
    except WarehouseError:
        raise
    except Error as error:
        client.disconnect()
        raise from_engine(f"{url}: {error.message}", error.code) from error
    except (OSError, EOFError) as error:
        client.disconnect()
        raise WarehouseUnavailableError(f"{url}: {error}") from error
    except _GARBLED as error:
        client.disconnect()
        if not isinstance(error, ScaleError) and not _raised_by_driver(error):
            raise
        raise WarehouseUnavailableError(f"{url}: the answer cannot be read ({type(error).__name__})") from error
    except BaseException:
        client.disconnect()
        raise


def _raised_by_driver(error: BaseException) -> bool:
    """Whether the driver could not go on, and not code of ours that it called: that would fail again for ever."""
    names = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    parties = [name.partition(".")[0] for name in names]
    return next((party for party in reversed(parties) if party in {_DRIVER, _OURS}), _OURS) == _DRIVER
