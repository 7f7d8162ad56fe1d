"""Settings of delivery."""

from __future__ import annotations

from pydantic import Field, SecretStr

from jobs.sections import Seconds, Section


class NotifySettings(Section):
    """Who is told of alerts: `perception alerts notify`. Secrets are best given as files."""

    webhook_url: SecretStr | None = Field(None, description="gets Alertmanager's webhook body, version 4")
    webhook_key: SecretStr | None = Field(None, description="signs webhooks by HMAC-SHA256")
    webhook_url_file: str | None = Field(None, description="file that holds the URL instead")
    webhook_key_file: str | None = Field(None, description="file that holds the key instead")
    alertmanager_url: SecretStr | None = Field(None, description="Alertmanager's base URL; its API v2 is posted to")
    alertmanager_url_file: str | None = Field(None, description="file that holds that URL instead")
    alertmanager_token: SecretStr | None = Field(None, description="bearer token for it")
    alertmanager_token_file: str | None = Field(None, description="file that holds the token instead")
    allowed_hosts: str = Field("", description="hosts that may be sent to, at public addresses, comma separated")
    allowed_private_hosts: str = Field(
        "", description="hosts that may be sent to at private, loopback or link-local addresses and by plain http, too"
    )
    cafile: str | None = Field(None, description="CA certificates (PEM file) instead of the system's")
    detectors: str = Field("drop,surge,no_data", description="what to tell, comma separated; also: customer_drop, rule")
    customer_ids: bool = Field(False, description="whether receivers may see customer ids")
    external_url: str = Field("", description="where people can look further; goes with every alert")
    timeout_s: Seconds = Field(10.0, gt=0, description="of one request as a whole")
    cap: int = Field(20, ge=1, description="messages of a receiver per interval; more alerts are merged into one")
    cap_interval_s: Seconds = Field(600.0, gt=0, description="that interval")
    first_pause_s: Seconds = Field(1.0, gt=0, description="after a failure; doubles with each, with jitter")
    longest_pause_s: Seconds = Field(300.0, gt=0, description="longest such pause")
    give_up_s: Seconds = Field(
        86_400.0, gt=0, description="after which a message that fails is given up, with an error"
    )
    repeat_interval_s: Seconds = Field(60.0, gt=0, description="between repeats of active alerts to Alertmanager")

    @staticmethod
    def words(text: str) -> tuple[str, ...]:
        """Words of a comma separated setting."""
        return tuple(word.strip() for word in text.split(",") if word.strip())

    def secret(self, name: str) -> str:
        """A secret as text; empty if it is not given."""
        given: SecretStr | None = getattr(self, name)
        return "" if given is None else given.get_secret_value()
