"""Records as services send them, and the intake on a test's broker and database."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kafka import KafkaProducer  # type: ignore[import-untyped]

from consumers.kafka_record import key_of
from consumers.kafka_topics import KAFKA_TOPICS, OWN_TOPICS
from domain import decider
from domain.request import Request
from infra.kafka import TOPICS, Admin, init_topics, producer_config
from infra.kafka.intake import Intake
from infra.kafka.intake_client import POLL_LIMIT_MS
from infra.kafka.intake_slice import Step
from infra.pipeline.batch import Decider
from infra.settings import KafkaAddress
from infra.vault import Vault
from tests.support.store import MASTER_KEY, Store, open_store

Header = tuple[str, bytes]


@dataclass(frozen=True)
class Sent:
    """A record to be sent. topic: without the prefix."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]
    partition: int | None = None


def as_record(request: Request, topic: str | None = None) -> Sent:
    """The request as a service sends it."""
    command, actor = request.command, request.actor
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_type", f"{command.TYPE}.v1".encode()),
        ("ce_source", request.source.encode()),
        ("ce_id", request.message_id.encode()),
        ("content-type", b"application/json"),
    ]
    if request.occurred_at is not None:
        headers.append(("ce_time", request.occurred_at.isoformat().encode()))
    if request.correlation_id is not None:
        headers.append(("ce_correlationid", request.correlation_id.encode()))
    if topic is None:
        topic = next(found.name for found in OWN_TOPICS if command.TYPE in found.types)
    data = command.model_dump(mode="json", exclude_none=True)
    value = json.dumps({"actor": asdict(actor), "data": data})
    return Sent(topic, key_of(command).encode(), value.encode(), headers)


def create_topics(admin: Admin, prefix: str) -> None:
    """The topics that are read."""
    read = {topic.name for topic in KAFKA_TOPICS}
    init_topics(admin, prefix, [topic for topic in TOPICS if topic.name in read])


def send(address: KafkaAddress, prefix: str, records: Iterable[Sent], **more: Any) -> None:
    """Send them, acknowledged."""
    config: dict[str, Any] = producer_config(address) | {
        "max_request_size": 8 * 1024 * 1024,
        **more,
    }
    with contextlib.closing(KafkaProducer(**config)) as producer:
        futures: list[Any] = [
            producer.send(
                f"{prefix}.{record.topic}",
                key=record.key,
                value=record.value,
                headers=list(record.headers),
                partition=record.partition,
            )
            for record in records
        ]
        producer.flush()
        for future in futures:
            future.get(timeout=30)


@contextlib.contextmanager
def open_intake(
    url: str,
    address: KafkaAddress,
    prefix: str,
    *,
    member: str | None = None,
    step: Step = lambda name: None,
    session_ms: int = 6_000,
    poll_limit_ms: int = POLL_LIMIT_MS,
    domain: Decider = decider,
) -> Generator[tuple[Intake, Store]]:
    """An intake with a store of its own, as a process has it."""
    with open_store(url, domain=domain) as store:
        vault = Vault(store.datastore, MASTER_KEY)
        intake = Intake(
            address,
            prefix,
            store.datastore,
            store.pipeline,
            vault,
            member=member,
            step=step,
            session_ms=session_ms,
            poll_limit_ms=poll_limit_ms,
        )
        yield intake, store
