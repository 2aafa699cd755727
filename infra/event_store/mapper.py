"""Events to stored bytes and back, upcasting what older versions wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, Generic, TypeVar

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent, Transcoder
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from domain.kernel import EVENTS, UPCASTERS, Actor, Event, Moment, Private, Stamp
from infra.event_store.envelope import Envelope, Pending, Recorded
from infra.event_store.recorder import Row

E = TypeVar("E", bound=Event)
S = TypeVar("S")


class UnknownTopic(Exception):
    """The log holds an event whose topic this version of the program doesn't know."""

    def __init__(self, topic: str) -> None:
        super().__init__(
            f"the log holds an event of the topic {topic!r}, which this version does not know; "
            "run the version that wrote it, or a later one"
        )
        self.topic = topic


class UnreadableEvent(Exception):
    """Stored bytes that are not what their topic says."""


class StoredState(BaseModel, Generic[E]):
    """The JSON of one event: `e` its business fields, `s` its envelope."""

    model_config = ConfigDict(frozen=True)

    e: E
    s: Envelope


class _Told(TypedDict):
    """The part of an envelope that a fold reads; the rest is skipped unread."""

    at: Moment
    dec: Moment
    by: Actor


class _Foldable(TypedDict, Generic[E]):
    e: E
    s: _Told


def current_topic(topic: str) -> str:
    """The topic that events stored under `topic` have after upcasting. Raises UnknownTopic."""
    seen = topic
    while seen not in EVENTS:
        if seen not in UPCASTERS:
            raise UnknownTopic(topic)
        seen = UPCASTERS[seen][0]
    return seen


@cache
def _reader(topic: str) -> Callable[[bytes], StoredState[Any]]:
    # One validator a topic, so that reading an event is a single call into pydantic-core.
    generic: Any = StoredState
    adapter: TypeAdapter[StoredState[Any]] = TypeAdapter(generic[EVENTS[topic]])
    validate: Callable[[bytes], StoredState[Any]] = adapter.validator.validate_json
    return validate


@cache
def _fold_reader(topic: str) -> Callable[[bytes], _Foldable[Any]]:
    generic: Any = _Foldable
    adapter: TypeAdapter[_Foldable[Any]] = TypeAdapter(generic[EVENTS[topic]])
    validate: Callable[[bytes], _Foldable[Any]] = adapter.validator.validate_json
    return validate


_ENVELOPES = TypeAdapter(Envelope)


class EventTranscoder(Transcoder):
    """An event with its envelope as JSON, every field written."""

    def encode(self, obj: Pending) -> bytes:
        event, envelope = obj.event, obj.envelope
        return b'{"e":%b,"s":%b}' % (
            event.__pydantic_serializer__.to_json(event),
            _ENVELOPES.serializer.to_json(envelope, by_alias=True),
        )

    def decode(self, data: bytes) -> Any:
        return json.loads(data)


class EventMapper(Mapper[str]):
    """Between events and stored bytes, for `eventsourcing` and for our own faster paths."""

    def __init__(self) -> None:
        super().__init__(transcoder=EventTranscoder())

    def decode(self, topic: str, state: bytes) -> tuple[Event, Envelope]:
        """The event, of its current version, and its envelope.

        Raises UnknownTopic, UnreadableEvent.
        """
        stored = self._read(_reader, topic, state)
        return stored.e, stored.s

    def decode_for_fold(self, topic: str, version: int, state: bytes) -> tuple[Event, Stamp]:
        """What `evolve` needs of a stored event, in three quarters of the time. Raises as
        `decode` does."""
        stored = self._read(_fold_reader, topic, state)
        told = stored["s"]
        return stored["e"], Stamp(version, told["at"], told["dec"], told["by"])

    def _read(self, reader: Callable[[str], Callable[[bytes], S]], topic: str, state: bytes) -> S:
        try:
            if topic in EVENTS:
                return reader(topic)(state)
            return reader(current_topic(topic))(self._upcast(topic, state))
        except (ValidationError, KeyError, ValueError) as e:
            raise UnreadableEvent(f"{topic}: {e}") from e

    def _upcast(self, topic: str, state: bytes) -> bytes:
        data = self.transcoder.decode(state)
        while topic in UPCASTERS:
            topic, upcast = UPCASTERS[topic]
            data["e"] = upcast(data["e"])
        return json.dumps(data, ensure_ascii=False).encode()

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """Raises TypeError when personal data is not sealed."""
        if not isinstance(domain_event, Pending):
            raise TypeError(f"not a pending event: {domain_event!r}")
        event = domain_event.event
        if isinstance(event.private, Private):
            raise TypeError(f"{event.TOPIC}: personal data is never stored unencrypted")
        return StoredEvent(
            domain_event.stream,
            domain_event.version,
            event.TOPIC,
            self.transcoder.encode(domain_event),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Recorded:
        if not isinstance(stored_event, Row):
            raise TypeError(f"not a row of our log: {stored_event!r}")
        event, envelope = self.decode(stored_event.topic, stored_event.state)
        stamp = Stamp(
            stored_event.originator_version,
            envelope.occurred_at,
            envelope.decided_at,
            envelope.actor,
        )
        return Recorded(
            str(stored_event.originator_id),
            event,
            stamp,
            envelope,
            stored_event.topic,
            stored_event.id,
            stored_event.recorded_at,
        )
