"""What clients are configured with."""

from __future__ import annotations

import gc
import logging
import ssl
import threading
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer  # type: ignore[import-untyped]
from kafka.record import util  # type: ignore[import-untyped]

from infra.kafka import (
    KafkaError,
    client_config,
    consumer_config,
    open_admin,
    producer_config,
    require_fast_checksums,
)
from infra.settings import KafkaAddress

HERE = KafkaAddress(("127.0.0.1:9",))
SAFE = KafkaAddress(("k:9093",), "SASL_SSL", mechanism="PLAIN", username="u", password="secret")


def test_a_consumer_skips_commits_and_creates_nothing_by_itself() -> None:
    config = consumer_config(HERE)
    assert config["enable_auto_commit"] is False
    assert config["auto_offset_reset"] == "none"
    assert config["isolation_level"] == "read_committed"
    assert config["allow_auto_create_topics"] is False


def test_a_producer_waits_for_all_copies_and_gives_up_before_a_successor_takes_over() -> None:
    config = producer_config(HERE)
    assert config["acks"] == "all"
    assert config["enable_idempotence"] is True
    assert config["delivery_timeout_ms"] == 10_000
    assert config["request_timeout_ms"] + config["linger_ms"] <= config["delivery_timeout_ms"]
    assert config["allow_auto_create_topics"] is False


def test_kafka_python_knows_every_name_that_it_is_given() -> None:
    assert set(consumer_config(SAFE)) <= set(KafkaConsumer.DEFAULT_CONFIG)
    assert set(producer_config(SAFE)) <= set(KafkaProducer.DEFAULT_CONFIG)


def test_tls_checks_certificates_and_host_names() -> None:
    context = client_config(SAFE)["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_user_is_given_to_sasl_and_is_shown_nowhere() -> None:
    config = client_config(SAFE)
    assert (config["sasl_mechanism"], config["sasl_plain_username"]) == ("PLAIN", "u")
    assert config["sasl_plain_password"] == "secret"
    assert "secret" not in repr(SAFE)
    assert not any(name.startswith(("sasl", "ssl")) for name in client_config(HERE))


def test_a_certificate_file_that_cannot_be_used_is_a_clear_error(tmp_path: Path) -> None:
    for file in (tmp_path / "none.pem", tmp_path):
        with pytest.raises(KafkaError, match="certificates for Kafka cannot be used"):
            client_config(KafkaAddress(("k:9093",), "SSL", ca_file=file))


def test_checksums_in_python_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    require_fast_checksums()
    monkeypatch.setattr(util, "crc32c_c", None)
    with pytest.raises(KafkaError, match="crc32c"):
        client_config(HERE)


# kafka-python does not close the socket of an attempt that failed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_cluster_that_is_not_there_is_one_line_and_leaves_no_thread(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("infra.kafka.client.REACH_MS", 300)
    threads = threading.active_count()
    with (
        caplog.at_level(logging.CRITICAL),
        pytest.raises(KafkaError, match=r"Kafka at 127\.0\.0\.1:9 cannot be used: \S+") as caught,
        open_admin(HERE),
    ):
        pass
    assert "\n" not in str(caught.value)
    assert threading.active_count() == threads
    del caught
    gc.collect()
