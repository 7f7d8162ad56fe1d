"""Settings from the environment: nested names, durations as people write them, mistakes named."""

from __future__ import annotations

import pytest

from jobs.durations import duration_ms, duration_text
from jobs.errors import SettingsError
from jobs.settings import Settings, load, unknown_variables
from pipeline.policy import DAY_MS, HOUR_MS, MINUTE_MS, Policy
from schemas.limits import Limits


def test_the_defaults_are_those_of_the_parts() -> None:
    settings = load()
    assert settings.policy == Policy()
    assert settings.limits == Limits()
    assert settings.kafka.changelog_topic == "perception-state-v1-changelog"
    assert settings.warehouse.url.startswith("chdb:///")


def test_variables_reach_their_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "KAFKA__TOPIC": "cx-v1",
        "KAFKA__SECURITY": '{"protocol":"SASL_SSL","sasl_mechanism":"PLAIN","username":"u","password":"p"}',
        "POLICY__LATENESS": "36h",
        "POLICY__INTERACTION_GAP_MS": "1000",
        "POLICY__CHANNEL_GAPS__EMAIL": "2d",
        "POLICY__GOAL_GAPS": '{"move": "30d"}',
        "POLICY__COMPLETING_OUTCOMES": "done,bought",
        "LIMITS__MAX_BYTES": "1000",
        "WORKER__FLUSH_INTERVAL_S": "500ms",
        "WAREHOUSE__URL": "clickhouse://u:secret@host/db",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"PERCEPTION_{name}", value)
    settings = load()
    assert settings.kafka.topic == "cx-v1"
    assert settings.kafka.security.username == "u"
    policy = settings.policy
    assert (policy.lateness_ms, policy.interaction_gap_ms) == (36 * HOUR_MS, 1_000)
    assert (policy.channel_gap_ms("email"), policy.channel_gap_ms("message")) == (2 * DAY_MS, DAY_MS)
    assert policy.goal_gap_ms("move") == 30 * DAY_MS
    assert policy.completing_outcomes == {"done", "bought"}
    assert settings.limits.max_bytes == 1_000
    assert settings.worker.flush_interval_s == 0.5
    assert "secret" not in repr(settings)
    assert "'p'" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("KAFKA__PARTITIONS", "0", "KAFKA__PARTITIONS: "),
        ("KAFKA__PARTITONS", "8", "KAFKA__PARTITONS: "),
        ("KAFKA__SECURITY__PROTOCOL", "SASL_SSL", "needs sasl_mechanism, username and password"),
        ("POLICY__LATENESS", "soon", "'soon' is not a duration"),
        ("POLICY__LATENES", "1d", "unknown name 'latenes'"),
        ("LIMITS__MAX_BYTE", "1", "unknown name 'max_byte'"),
        ("LIMITS__MAX_BYTES", "-1", "must be positive"),
        ("WORKER__FLUSH_INTERVAL_S", "-1", "not a duration"),
    ],
)
def test_a_mistake_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    monkeypatch.setenv(f"PERCEPTION_{name}", value)
    with pytest.raises(SettingsError, match=message) as caught:
        load()
    assert caught.value.action


def test_variables_that_no_setting_reads_are_found() -> None:
    given = ("PERCEPTION_KAFKA__TOPIC", "PERCEPTION_KAFAK__TOPIC", "PERCEPTION_DEBUG", "PERCEPTION_TEST_KAFKA", "PATH")
    assert unknown_variables(dict.fromkeys(given, "x")) == ["PERCEPTION_KAFAK__TOPIC"]


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().kafka = Settings().kafka  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        (90, 90_000),
        ("90", 90_000),
        ("1.5", 1_500),
        ("250ms", 250),
        ("7d", 7 * DAY_MS),
        ("1h30m", 90 * MINUTE_MS),
        ("2 d 1 h", 49 * HOUR_MS),
        ("PT30M", 30 * MINUTE_MS),
        ("P1DT12H", 36 * HOUR_MS),
        ("P2W", 14 * DAY_MS),
        ("0", 0),
    ],
)
def test_durations(text: object, milliseconds: int) -> None:
    assert duration_ms(text) == milliseconds
    assert duration_ms(duration_text(milliseconds)) == milliseconds


@pytest.mark.parametrize("text", ["", "d", "7 days", "-1", "1h30", "P", "PT", "nan", "inf", True, None])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration_ms(text)
