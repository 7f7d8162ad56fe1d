"""A warehouse that can be broken: the native endpoint as a process of its own, a proxy before it, its own disk."""

from __future__ import annotations

import errno
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from clickhouse_driver import Client

from tests.faults.proxy import Proxy
from tests.services import clickhouse
from tests.services.clickhouse import Endpoint
from tests.services.process import listens

START_TIMEOUT_S = 60


class DiskError(Exception):
    """No disk of its own for the warehouse: mounting a tmpfs needs rights that this user does not have."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A warehouse's process, the proxy that workers reach it by, and the directory of its disk."""

    endpoint: Endpoint
    proxy: Proxy
    disk: Path | None

    @property
    def port(self) -> int:
        """The process's own."""
        return urlsplit(self.endpoint.url).port or 0

    @property
    def address(self) -> str:
        """Through the proxy."""
        return f"clickhouse://default@127.0.0.1:{self.proxy.port}/default"

    def kill(self) -> None:
        """Lose the process, whatever it does."""
        self.endpoint.process.kill()

    def start(self) -> None:
        """Come back on the same data."""
        self.endpoint.process.start()
        self.endpoint.process.wait_ready(lambda: listens(self.port), START_TIMEOUT_S)

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """One statement past the proxy."""
        with Client("127.0.0.1", port=self.port) as client:
            found: list[tuple[object, ...]] = client.execute(statement)
        return found

    def tables(self) -> list[str]:
        """Tables that hold rows."""
        found = self.execute(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
        )
        return [str(name) for (name,) in found]

    def fill(self) -> Path:
        """Use up the disk; the file must be removed to have it back."""
        assert self.disk is not None
        filling = self.disk / "filling"
        with filling.open("wb", buffering=0) as sink:
            try:
                while True:
                    sink.write(bytes(4_096))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
        return filling


@contextmanager
def broken(disk_mb: int = 0) -> Iterator[Broken]:
    """An empty warehouse behind a proxy; with ``disk_mb`` on a tmpfs of this size."""
    with (
        _disk(disk_mb) as disk,
        clickhouse.endpoint(disk) as endpoint,
        Proxy(("127.0.0.1", urlsplit(endpoint.url).port or 0)) as proxy,
    ):
        yield Broken(endpoint, proxy, disk)


@contextmanager
def _disk(megabytes: int) -> Iterator[Path | None]:
    if not megabytes:
        yield None
        return
    directory = Path(tempfile.mkdtemp(prefix="perception-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "perception", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        directory.rmdir()
        raise DiskError(f"cannot mount a tmpfs: {done.stderr.strip()}")
    try:
        yield directory
    finally:
        _unmount(directory)


def _unmount(directory: Path) -> None:
    """A process that was killed holds its files a moment longer."""
    for _ in range(50):
        if subprocess.run(["umount", str(directory)], capture_output=True, check=False).returncode == 0:
            directory.rmdir()
            return
        time.sleep(0.1)
    subprocess.run(["umount", "--lazy", str(directory)], check=True)
    directory.rmdir()
