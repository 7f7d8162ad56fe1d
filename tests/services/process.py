"""A child process that is ready when it says so, logs to a file, can be frozen, and never outlives the tests."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class ServiceError(Exception):
    """A service did not start or stop. Operator action: read the log whose tail is in the message."""


def free_port() -> int:
    """A loopback TCP port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether something on loopback accepts connections to ``port``."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _dies_with_parent(command: Sequence[str]) -> list[str]:
    """Prefix that makes the kernel kill the child if the tests are killed themselves (Linux)."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", *command] if setpriv else list(command)


class Process:
    """One child process in a session of its own."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.command = list(command)
        self.log = log
        self._cwd = cwd
        self._environment = dict(environment) if environment is not None else None
        self._child: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid(self) -> int:
        """Process id of the running child."""
        return self._running().pid

    @property
    def alive(self) -> bool:
        """Whether the child was started and has not ended."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start the child; its output is appended to the log."""
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as sink:
            self._child = subprocess.Popen(
                _dies_with_parent(self.command),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=self._cwd,
                env=self._environment,
                start_new_session=True,
            )

    def wait_ready(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Wait until ``ready()``; raises ServiceError with the log's tail if the child ends or time runs out."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if not self.alive:
                raise ServiceError(f"{self.command[0]} ended before it was ready:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise ServiceError(f"{self.command[0]} not ready after {timeout_s:.0f} s:\n{self.tail()}")
            time.sleep(0.05)

    def output(self) -> str:
        """What the child has written since it was last started."""
        with self.log.open("rb") as source:
            source.seek(self._log_start)
            return source.read().decode(errors="replace")

    def tail(self, lines: int = 30) -> str:
        """The last lines of the child's output."""
        return "\n".join(self.output().splitlines()[-lines:])

    def stop(self, timeout_s: float = 20.0) -> int:
        """End the child politely (SIGTERM), by force after ``timeout_s``; returns its exit code."""
        child = self._running()
        self.resume()
        child.terminate()
        try:
            return child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End the child at once (SIGKILL), frozen or not; returns its exit code."""
        child = self._running()
        child.kill()
        return child.wait(10)

    def pause(self) -> None:
        """Freeze the child (SIGSTOP): it keeps its sockets and says nothing."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen child go on (SIGCONT)."""
        self._running().send_signal(signal.SIGCONT)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise ServiceError(f"{self.command[0]} was not started")
        return self._child
