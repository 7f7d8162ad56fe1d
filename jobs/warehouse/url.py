"""Where a warehouse is: its address, taken apart and safe to show."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from jobs.warehouse.errors import WarehouseUrlError

PORT: Final = 9000
TLS_PORT: Final = 9440
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class Layout:
    """How tables are made; also given in the address: ``?cluster=main&raw_ttl_days=400``."""

    cluster: str | None = None
    """Create ON CLUSTER with Replicated engines (the server's default replica path)."""
    raw_ttl_days: int | None = None
    """Days after which events, rejected and late records are dropped; None = kept."""

    def __post_init__(self) -> None:
        if self.cluster is not None and not _IDENTIFIER.fullmatch(self.cluster):
            raise WarehouseUrlError(f"{self.cluster!r} is no cluster name")
        if self.raw_ttl_days is not None and not 1 <= self.raw_ttl_days <= 36_500:
            raise WarehouseUrlError(f"raw_ttl_days must be 1 .. 36500, not {self.raw_ttl_days}")


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed warehouse URL."""

    masked: str
    """The URL without the password."""
    path: Path | None = None
    """Directory of the embedded store; None for a server."""
    host: str = ""
    port: int = PORT
    user: str = "default"
    password: str = field(default="", repr=False)
    database: str = "default"
    secure: bool = False
    cafile: str | None = None
    """CA certificates (PEM file) instead of the system's."""
    layout: Layout = Layout()


def parse(url: str) -> Address:
    """Take an address apart. Raises :class:`WarehouseUrlError` without showing the password."""
    parts = _split(url)
    masked = _masked(parts)
    try:
        if parts.scheme == "chdb":
            return Address(masked, path=_path(parts), layout=_layout(dict(parse_qsl(parts.query))))
        if parts.scheme in {"clickhouse", "clickhouses"} and parts.hostname:
            return _server(parts, masked)
    except ValueError as error:
        raise WarehouseUrlError(f"{masked}: {error}") from None
    raise WarehouseUrlError(f"not a warehouse address: {masked}")


def _split(url: str) -> SplitResult:
    """As ``urlsplit``; an address in which a password may lie elsewhere than expected is not shown at all."""
    scheme = url.partition(":")[0]
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = None
    if parts is None or ("@" in url and "@" not in parts.netloc and parts.scheme != "chdb"):
        raise WarehouseUrlError(
            f"{scheme[:16]}:***: cannot be taken apart",
            action="Write special characters of a password as %2F (/), %3F (?), %23 (#), %40 (@); or give it by "
            "PERCEPTION_WAREHOUSE__PASSWORD_FILE.",
        )
    return parts


def with_cluster(address: Address, cluster: str | None) -> Address:
    """The address with a cluster from the settings, unless it names one itself."""
    if cluster is None or address.layout.cluster is not None:
        return address
    return replace(address, layout=replace(address.layout, cluster=cluster))


def _path(parts: SplitResult) -> Path:
    if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
        raise ValueError("an embedded store needs an absolute path after chdb://")
    return Path(unquote(parts.path))


def _server(parts: SplitResult, masked: str) -> Address:
    options = dict(parse_qsl(parts.query))
    cafile = options.pop("cafile", None)
    secure = parts.scheme == "clickhouses"
    database = unquote(parts.path.strip("/")) or "default"
    if not _IDENTIFIER.fullmatch(database):
        raise ValueError(f"{database!r} is no database name")
    if cafile is not None and not secure:
        raise ValueError("cafile is for clickhouses://, the address with TLS")
    return Address(
        masked,
        host=parts.hostname or "",
        port=parts.port or (TLS_PORT if secure else PORT),
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=database,
        secure=secure,
        cafile=cafile,
        layout=_layout(options),
    )


def _layout(options: dict[str, str]) -> Layout:
    days = options.pop("raw_ttl_days", None)
    cluster = options.pop("cluster", None)
    if options:
        raise ValueError(f"unknown options: {', '.join(sorted(options))}")
    return Layout(cluster, int(days) if days is not None else None)


def _masked(parts: SplitResult) -> str:
    before, at, host = parts.netloc.rpartition("@")
    user, colon, _ = before.partition(":")
    shown = f"{user}{':***' if colon else ''}{at}{host}"
    return parts._replace(netloc=shown).geturl() if parts.netloc else f"{parts.scheme}://{parts.path}"
