"""Where Kafka is, as the environment says."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.settings import KafkaAddress, SettingsError, read_settings

BOOTSTRAP = "CASETRAIL_KAFKA_BOOTSTRAP"


def address(**environment: str) -> KafkaAddress:
    given = {f"CASETRAIL_KAFKA_{name}": value for name, value in environment.items()}
    found = read_settings({BOOTSTRAP: "a:9092", **given}).kafka
    assert found is not None
    return found


def test_without_anything_set_kafka_is_embedded_with_one_broker() -> None:
    settings = read_settings({})
    assert settings.kafka is None
    assert settings.brokers == 1
    assert settings.topic_prefix == "casetrail"


def test_servers_are_split_at_commas() -> None:
    found = read_settings({BOOTSTRAP: "a:9092, b.example:9093,[::1]:1"}).kafka
    assert found == KafkaAddress(("a:9092", "b.example:9093", "[::1]:1"))


def test_the_protocol_follows_from_what_is_given() -> None:
    assert address().security == "PLAINTEXT"
    assert address(CA_FILE="/ca.pem").security == "SSL"
    found = address(USERNAME="u", PASSWORD="p")
    assert (found.security, found.mechanism) == ("SASL_SSL", "SCRAM-SHA-512")
    found = address(
        USERNAME="u", PASSWORD="p", SECURITY_PROTOCOL="SASL_PLAINTEXT", SASL_MECHANISM="PLAIN"
    )
    assert (found.security, found.mechanism) == ("SASL_PLAINTEXT", "PLAIN")


def test_a_password_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("p w\n")
    assert address(USERNAME="u", PASSWORD_FILE=str(tmp_path / "secret")).password == "p w"


def test_no_password_is_shown() -> None:
    settings = read_settings(
        {
            BOOTSTRAP: "a:1",
            "CASETRAIL_KAFKA_USERNAME": "u",
            "CASETRAIL_KAFKA_PASSWORD": "hush1",
            "CASETRAIL_KAFKA_KEY_PASSWORD": "hush2",
        }
    )
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"BOOTSTRAP": "a"}, "BOOTSTRAP"),
        ({"BOOTSTRAP": "a:1,,b:1"}, "BOOTSTRAP"),
        ({"BOOTSTRAP": "kafka://a:1"}, "BOOTSTRAP"),
        ({"USERNAME": "u"}, "USERNAME"),
        ({"BROKERS": "2"}, "BROKERS"),
        ({"TOPIC_PREFIX": "shop/1"}, "TOPIC_PREFIX"),
        ({"TOPIC_PREFIX": "x" * 81}, "TOPIC_PREFIX"),
        ({"BOOTSTRAP": "a:1", "SECURITY_PROTOCOL": "TLS"}, "SECURITY_PROTOCOL"),
        ({"BOOTSTRAP": "a:1", "USERNAME": "u"}, "PASSWORD"),
        ({"BOOTSTRAP": "a:1", "SECURITY_PROTOCOL": "SASL_SSL"}, "USERNAME"),
        ({"BOOTSTRAP": "a:1", "USERNAME": "u", "PASSWORD_FILE": "/none"}, "PASSWORD_FILE"),
        (
            {"BOOTSTRAP": "a:1", "USERNAME": "u", "PASSWORD": "p", "SASL_MECHANISM": "GSSAPI"},
            "SASL_MECHANISM",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_named(environment: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=f"CASETRAIL_KAFKA_{named}"):
        read_settings({f"CASETRAIL_KAFKA_{name}": value for name, value in environment.items()})


def test_downloads_lie_in_the_users_cache_folder_or_in_the_home(tmp_path: Path) -> None:
    settings = read_settings({"XDG_CACHE_HOME": str(tmp_path), "CASETRAIL_HOME": "/h"})
    assert settings.cache == tmp_path / "casetrail"
    assert settings.at(home=Path("/other")).cache == tmp_path / "casetrail"
    settings = read_settings({"XDG_CACHE_HOME": "/dev/null/none", "CASETRAIL_HOME": "/h"})
    assert settings.cache == Path("/h/cache")
    assert settings.at(home=Path("/other")).cache == Path("/other/cache")
