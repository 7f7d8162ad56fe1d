"""TLS of the broker's clients: certificate and host name of the other side are always verified."""

from __future__ import annotations

import ssl

from jobs.errors import SettingsError
from jobs.sections import SecuritySettings

_ACTION = "PERCEPTION_KAFKA__SECURITY__CAFILE, __CERTFILE and __KEYFILE name PEM files; correct them."


def broker_context(security: SecuritySettings) -> ssl.SSLContext | None:
    """What connections to the broker are wrapped in; None where the protocol has no TLS.

    Raises :class:`SettingsError` if a file is no PEM file of its kind, or its password is wrong.
    """
    if not security.protocol.endswith("SSL"):
        return None
    try:
        context = ssl.create_default_context(cafile=security.cafile)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if security.certfile:
            context.load_cert_chain(security.certfile, security.keyfile, password=_password(security))
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(
            f"the certificates of the broker's clients cannot be used: {error}", action=_ACTION
        ) from None
    return context


def _password(security: SecuritySettings) -> str:
    """Never None: OpenSSL would ask for it at the terminal."""
    return security.key_password.get_secret_value() if security.key_password else ""
