"""A cluster that wants TLS and a password is reached as the environment says."""

from __future__ import annotations

import gc
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from kafka.admin._users import (  # type: ignore[import-untyped]
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from infra.kafka import (
    KafkaError,
    Topic,
    embedded_kafka,
    init_topics,
    open_admin,
)
from infra.kafka.broker import free_port
from infra.settings import KafkaAddress, read_settings
from tests.integration.kafka.certificates import make_certificates
from tests.integration.kafka.clients import SECONDS, producer_of, read
from tests.support.processes import short_folder

USER, PASSWORD = "casetrail", 'it\'s; "secret" 密'
MODULE = "org.apache.kafka.common.security"


@dataclass(frozen=True)
class Secured:
    """A listener that wants TLS and a user. authority: the file to trust."""

    server: str
    authority: Path

    def environment(self, **more: str) -> dict[str, str]:
        given = {
            "BOOTSTRAP": self.server,
            "CA_FILE": str(self.authority),
            "USERNAME": USER,
            "PASSWORD": PASSWORD,
            **more,
        }
        return {f"CASETRAIL_KAFKA_{name}": value for name, value in given.items()}

    def address(self, **more: str) -> KafkaAddress:
        found = read_settings(self.environment(**more)).kafka
        assert found is not None
        return found


def jaas(module: str, **options: str) -> str:
    quoted = {
        name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in options.items()
    }
    said = "".join(f' {name}="{value}"' for name, value in quoted.items())
    return f"{MODULE}.{module} required{said};"


@pytest.fixture(scope="module")
def secured(kafka_cache: Path) -> Generator[Secured]:
    port = free_port()
    made = make_certificates()
    listener = "listener.name.secured"
    more = {
        "listeners": f"SECURED://127.0.0.1:{port}",
        "listener.security.protocol.map": (
            "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_SSL"
        ),
        f"{listener}.ssl.keystore.type": "PEM",
        f"{listener}.ssl.keystore.certificate.chain": made.chain,
        f"{listener}.ssl.keystore.key": made.key,
        f"{listener}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        f"{listener}.plain.sasl.jaas.config": jaas(
            "plain.PlainLoginModule", **{f"user_{USER}": PASSWORD}
        ),
        f"{listener}.scram-sha-256.sasl.jaas.config": jaas("scram.ScramLoginModule"),
        f"{listener}.scram-sha-512.sasl.jaas.config": jaas("scram.ScramLoginModule"),
    }
    with short_folder() as home:
        (home / "authority.pem").write_text(made.authority)
        with embedded_kafka(home, cache=kafka_cache, more=more) as cluster:
            with open_admin(cluster.address) as admin:
                for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
                    credential = UserScramCredentialUpsertion(USER, mechanism, PASSWORD)
                    assert admin.alter_user_scram_credentials([credential]) == {USER: None}
            yield Secured(f"127.0.0.1:{port}", home / "authority.pem")


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_records_go_both_ways_over_tls_with_a_password(secured: Secured, mechanism: str) -> None:
    address = secured.address(SASL_MECHANISM=mechanism)
    with open_admin(address) as admin:
        topic = Topic("t", "in", 1, 1, False, "", "")
        [outcome] = init_topics(admin, f"test-{mechanism}", [topic])
    with producer_of(address) as producer:
        producer.send(outcome.name, b"over TLS").get(SECONDS)
    assert [record.value for record in read(address, outcome.name, 1)] == [b"over TLS"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("wrong", ["password", "authority", "protocol"])
def test_what_is_wrong_is_said_in_one_line_and_never_the_password(
    secured: Secured, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.kafka.client.REACH_MS", 3000)
    address = secured.address()
    if wrong == "password":
        address = replace(address, password="guess-4711")
    elif wrong == "authority":
        address = replace(address, ca_file=None)
    else:
        address = replace(address, security="SASL_PLAINTEXT")
    with (
        pytest.raises(KafkaError, match=rf"Kafka at {secured.server} cannot be used") as caught,
        open_admin(address),
    ):
        pass
    said = str(caught.value)
    assert "\n" not in said
    assert PASSWORD not in said
    assert "4711" not in said
    del caught
    gc.collect()
