"""Records of Kafka as CloudEvents 1.0 in binary mode.

The Kafka protocol binding, section 3.2: attributes are headers with the prefix `ce_`, in UTF-8,
and `content-type` says what the value is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from infra.kafka.contracts.events import PublicModel

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to be published. topic: without the prefix. value: None takes what a compacted
    topic has of the key out of it. headers: names and UTF-8."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Headers

    @property
    def size(self) -> int:
        """Bytes that it takes in memory and on the wire, about."""
        return len(self.key) + len(self.value or b"") + 300


def cloud_event(
    topic: str,
    key: str,
    data: PublicModel,
    *,
    source: str,
    type_: str,
    schema: str,
    id_: str,
    time: datetime,
    subject: str,
    correlation_id: str | None = None,
) -> Outgoing:
    """The record that says `data`. id_: the same whenever the same is published again."""
    headers = [
        *_attributes(source, type_, id_, time, subject),
        ("ce_dataschema", schema.encode()),
        ("content-type", b"application/json"),
    ]
    if correlation_id is not None:
        headers.append(("ce_correlationid", correlation_id.encode()))
    value = data.__pydantic_serializer__.to_json(data)
    return Outgoing(topic, key.encode(), value, headers)


def tombstone(
    topic: str, key: str, *, source: str, type_: str, id_: str, time: datetime, subject: str
) -> Outgoing:
    """The record that says that there is nothing under this key any more."""
    return Outgoing(topic, key.encode(), None, _attributes(source, type_, id_, time, subject))


def _attributes(source: str, type_: str, id_: str, time: datetime, subject: str) -> Headers:
    """Those that an event has with and without data."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_type", type_.encode()),
        ("ce_source", source.encode()),
        ("ce_id", id_.encode()),
        ("ce_time", time.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()),
        ("ce_subject", subject.encode()),
    ]
