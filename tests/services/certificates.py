"""Certificates of a test's own, made by openssl: an authority, and what it signs."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

DAYS = "2"
HERE = "IP:127.0.0.1,DNS:localhost"
"""Names of a server on this machine."""


def missing() -> str:
    """Why none can be made here; empty if they can."""
    return "" if shutil.which("openssl") else "openssl not found"


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files: the certificate, its unencrypted key (PKCS 8), and both in one."""

    cert: Path
    key: Path
    both: Path


class Authority:
    """A certificate authority in a directory."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self.cert = directory / f"{name}.pem"
        self._key = directory / f"{name}.key"
        _openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", DAYS, "-subj", f"/CN={name}",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            "-keyout", str(self._key), "-out", str(self.cert),
        )  # fmt: skip

    def sign(self, name: str, names: str = HERE) -> Certificate:
        """A certificate of ``name`` that is valid for these subject alternative names."""
        made = Certificate(*(self._directory / f"{name}{suffix}" for suffix in (".crt", ".key", ".both.pem")))
        request, extensions = self._directory / f"{name}.csr", self._directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\n")
        _openssl(
            "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
            "-keyout", str(made.key), "-out", str(request),
        )  # fmt: skip
        _openssl(
            "x509", "-req", "-days", DAYS, "-in", str(request), "-CA", str(self.cert), "-CAkey", str(self._key),
            "-CAcreateserial", "-extfile", str(extensions), "-out", str(made.cert),
        )  # fmt: skip
        made.both.write_text(made.key.read_text() + made.cert.read_text())
        return made


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], capture_output=True, check=True, timeout=60)
