"""What the log keeps of an event beside the event itself."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha1
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from domain.kernel import Actor, Event, Moment, Private, Sealed, Stamp, record

_EVENT_IDS = UUID("5d2f6c0e-3c55-5d0b-9d4e-6a4f1c7b9a10")


def event_id(source: str, message_id: str, index: int) -> str:
    """The id of the index-th event (from 0) that a request caused: the same whenever the same
    request is decided again, so that a lost connection can be looked up.

    A UUID of version 5 (RFC 9562), written out here because the standard library takes three
    times as long.
    """
    name = f"{source}\0{message_id}\0{index}".encode()
    text = sha1(_EVENT_IDS.bytes + name, usedforsecurity=False).hexdigest()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


def _stored_as(name: str, **more: Any) -> Any:
    return Field(validation_alias=name, serialization_alias=name, **more)


def _is_none(value: object) -> bool:
    return value is None


@record
class Envelope:
    """Who, when and why, stored under short names beside each event.

    decided_at: the database's clock at the decision. cause, correlation: ids of messages.
    source, message_id: the inbox key of the request that caused the event. origin: the place
    it came from, for people (file and line; topic, partition and offset). claim_token: of the
    claim under which it was asked for, if it named one.
    """

    event_id: Annotated[str, _stored_as("id")]
    occurred_at: Annotated[Moment, _stored_as("at")]
    decided_at: Annotated[Moment, _stored_as("dec")]
    actor: Annotated[Actor, _stored_as("by")]
    causation_id: Annotated[str | None, _stored_as("cause")]
    correlation_id: Annotated[str | None, _stored_as("corr")]
    source: Annotated[str, _stored_as("src")]
    message_id: Annotated[str, _stored_as("msg")]
    origin: Annotated[str, _stored_as("org")]
    claim_token: Annotated[int | None, _stored_as("tok", exclude_if=_is_none)] = None


@record
class Pending:
    """An event about to be recorded. Its `private` is sealed or absent."""

    stream: str
    version: int
    event: Event
    envelope: Envelope

    @property
    def originator_id(self) -> str:
        return self.stream

    @property
    def originator_version(self) -> int:
        return self.version


@record
class Recorded:
    """An event as the log has it.

    stored_topic: the topic it was written under; `event` is of the current version.
    position: 1 for the log's first event. recorded_at: when we learned it, aware UTC.
    """

    stream: str
    event: Event
    stamp: Stamp
    envelope: Envelope
    stored_topic: str
    position: int
    recorded_at: datetime

    @property
    def originator_id(self) -> str:
        return self.stream

    @property
    def originator_version(self) -> int:
        return self.stamp.version

    @property
    def sealed(self) -> Sealed | None:
        """The event's personal data, still encrypted."""
        private = self.event.private
        if isinstance(private, Private):
            raise TypeError(f"{self.stored_topic} at {self.position} was stored unencrypted")
        return private
