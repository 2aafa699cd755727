"""kafka-python as we use it: what its clients are configured with, and types for its admin."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Generator, Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol

from infra.kafka.failure import KafkaError
from infra.settings import KafkaAddress

NAME = "casetrail"
REACH_MS = 10_000
REQUEST_MS = 20_000
DELIVERY_MS = 10_000
"""How long the producer tries."""


class Admin(Protocol):
    """The part of kafka-python's KafkaAdminClient that we use; it comes without types. Each
    answer is what the protocol says, as a dict."""

    def describe_cluster(self) -> dict[str, Any]: ...

    def describe_topics(self, topics: Sequence[str] | None = None) -> list[dict[str, Any]]: ...

    def create_topics(
        self, new_topics: Mapping[str, Mapping[str, Any]], *, raise_errors: bool = True
    ) -> dict[str, Any]: ...

    def wait_for_topics(self, topic_names: Sequence[str], timeout_ms: int = 10_000) -> None: ...

    def delete_topics(self, topics: Sequence[str]) -> dict[str, Any]: ...

    def describe_configs(
        self, config_resources: Sequence[Any], *, config_filter: str = "modified"
    ) -> dict[str, dict[str, Any]]: ...

    def list_partition_offsets(self, topic_partition_specs: Mapping[Any, int]) -> Any: ...

    def describe_groups(self, group_ids: Sequence[str]) -> dict[str, dict[str, Any]]: ...

    def alter_user_scram_credentials(self, alterations: Sequence[Any]) -> dict[str, Any]: ...

    def close(self) -> None: ...


def client_config(address: KafkaAddress, name: str = NAME) -> dict[str, Any]:
    """What every client of kafka-python is given to reach the cluster.

    name: the client's, as brokers log it. Raises KafkaError when checksums would be computed
    in Python, or a file for TLS cannot be used.
    """
    require_fast_checksums()
    config: dict[str, Any] = {
        "bootstrap_servers": list(address.bootstrap),
        "client_id": name,
        "security_protocol": address.security,
        "request_timeout_ms": REQUEST_MS,
        "bootstrap_timeout_ms": REACH_MS,
        "reconnect_backoff_max_ms": 2_000,
    }
    if address.security.endswith("SSL"):
        config["ssl_context"] = _ssl_context(address)
    if address.security.startswith("SASL"):
        config["sasl_mechanism"] = address.mechanism
        config["sasl_plain_username"] = address.username  # SCRAM's too
        config["sasl_plain_password"] = address.password
    return config


def consumer_config(address: KafkaAddress, name: str = NAME) -> dict[str, Any]:
    """For KafkaConsumer: nothing is skipped, committed or created behind our back. Whoever
    consumes seeks, and finds a gap in the log as an exception."""
    return client_config(address, name) | {
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "isolation_level": "read_committed",
        "allow_auto_create_topics": False,
        "check_crcs": True,
    }


def producer_config(address: KafkaAddress, name: str = NAME) -> dict[str, Any]:
    """For KafkaProducer: acknowledged by all in-sync brokers, once and in order within the
    producer's life; an attempt ends after DELIVERY_MS.

    After one record that failed (expired, or refused by the broker as too large) an idempotent
    producer of kafka-python 3.0.12 never sends again, and may not say so: close it and make
    another.
    """
    return client_config(address, name) | {
        "acks": "all",
        "enable_idempotence": True,
        "request_timeout_ms": DELIVERY_MS // 2,
        "delivery_timeout_ms": DELIVERY_MS,
        "max_block_ms": DELIVERY_MS,
        "allow_auto_create_topics": False,
        "linger_ms": 5,
    }


def make_producer(address: KafkaAddress, name: str = NAME, **more: Any) -> Any:
    """A KafkaProducer; more: settings that win over ours. Raises kafka-python's KafkaError when
    no broker answers."""
    return _made(import_module("kafka").KafkaProducer, producer_config(address, name) | more)


def abandon(producer: Any) -> None:
    """Close a KafkaProducer at once: what is not acknowledged by now is given up. `close` alone
    fails while anything is, and leaves the producer's thread sending."""
    producer._sender.force_close()
    producer._sender.join(DELIVERY_MS / 1000)
    with contextlib.suppress(import_module("kafka.errors").KafkaTimeoutError):
        producer.close(timeout=0)


def require_fast_checksums() -> None:
    """Raise KafkaError unless kafka-python computes its checksums in C (191,000 records/s read
    with it, 23,000 without)."""
    if import_module("kafka.record.util").crc32c_c is None:
        raise KafkaError("The package {name} is not installed.", name="crc32c")


@contextlib.contextmanager
def open_admin(address: KafkaAddress) -> Generator[Admin]:
    """A client that asks about and creates topics. What goes wrong with it is a KafkaError."""
    kafka = import_module("kafka")
    with said_plainly(address):
        admin: Admin = _made(kafka.KafkaAdminClient, client_config(address))
        with contextlib.closing(admin):
            yield admin


@contextlib.contextmanager
def said_plainly(address: KafkaAddress) -> Generator[None]:
    """kafka-python's errors as a KafkaError."""
    try:
        yield
    except import_module("kafka.errors").KafkaError as e:
        raise KafkaError(
            "Kafka at {servers} cannot be used: {reason}",
            servers=", ".join(address.bootstrap),
            reason=" ".join(str(e).split()) or type(e).__name__,
        ) from e


def _made(kind: Any, config: Mapping[str, Any]) -> Any:
    """A client; when its constructor fails, the thread and the sockets that it opened are
    closed, which kafka-python leaves open."""
    client = kind.__new__(kind)
    try:
        kind.__init__(client, **config)
    except BaseException:
        if hasattr(client, "_net"):
            client._closed = False
            client.close()
        raise
    return client


def _ssl_context(address: KafkaAddress) -> ssl.SSLContext:
    """Certificates and host names are checked, always; nothing older than TLS 1.2, which some
    builds of Python leave to OpenSSL's own settings."""
    try:
        context = ssl.create_default_context(cafile=address.ca_file)
        context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
        if address.cert_file is not None:
            context.load_cert_chain(
                address.cert_file, address.key_file, lambda: address.key_password or ""
            )
    except (OSError, ValueError) as e:
        raise KafkaError("The certificates for Kafka cannot be used: {reason}", reason=e) from e
    return context
