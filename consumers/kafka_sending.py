"""Requests as the records that a service sends, and when each may be sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from consumers.kafka_commands import COMMANDS_TOPIC
from consumers.kafka_logistics import LOGISTICS_TOPIC
from consumers.kafka_record import VERSION, key_of
from consumers.kafka_shipments import SHIPMENTS_TOPIC
from domain.kernel import Kind, kind_of
from domain.request import Request

_TOPICS: Final = (LOGISTICS_TOPIC, SHIPMENTS_TOPIC, COMMANDS_TOPIC)
"""What may come on several is sent on the first of them: parcel facts come from carriers."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to be sent. topic: without the prefix."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def record_of(request: Request, source: str) -> Outgoing:
    """The request as a CloudEvents record; source: its `ce_source`."""
    command, actor = request.command, request.actor
    headers = {
        "ce_specversion": "1.0",
        "ce_type": f"{command.TYPE}.v{VERSION}",
        "ce_source": source,
        "ce_id": request.message_id,
        "ce_time": request.occurred_at and request.occurred_at.isoformat(),
        "ce_correlationid": request.correlation_id,
        "ce_causationid": request.causation_id,
        "ce_claimtoken": None if request.claim_token is None else str(request.claim_token),
        "content-type": "application/json",
    }
    value = {
        "actor": {"kind": actor.kind, "id": actor.id, "role": actor.role},
        "data": command.model_dump(mode="json", exclude_unset=True),
    }
    return Outgoing(
        topic=next(topic.name for topic in _TOPICS if command.TYPE in topic.types),
        key=key_of(command).encode(),
        value=json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(),
        headers=tuple((name, text.encode()) for name, text in headers.items() if text),
    )


def in_rounds(requests: Iterable[Request], source: str) -> list[list[Outgoing]]:
    """The records of requests that were told in this order, by rounds: a round may be sent once
    the one before it was taken.

    Topics and partitions are read in no common order, and a command is refused for what is not
    known yet. So whoever asks something of a case waits until what they know of it and of its
    order was taken, as people do who look at it first. Facts about orders wait for no other
    facts about them.
    """
    told = list(requests)
    matters = _Matters(told)
    last: dict[str, dict[tuple[str, str], int]] = {}
    rounds: list[list[Outgoing]] = []
    for request in told:
        record = record_of(request, source)
        own = request.command.streams()[0]
        kind = kind_of(own)
        place = (record.topic, own)
        before = last.setdefault(matters.of(own), {})
        # Policies, suppliers and products come before any case.
        nth = before.get(place, 1 if kind is Kind.CASE else 0)
        for other, earlier in before.items():
            if other != place and not (kind is kind_of(other[1]) is Kind.ORDER):
                nth = max(nth, earlier + 1)
        before[place] = nth
        rounds += [[] for _ in range(nth + 1 - len(rounds))]
        rounds[nth].append(record)
    return [records for records in rounds if records]


class _Matters:
    """Cases and orders that have to do with each other, found from what names both."""

    def __init__(self, told: Iterable[Request]) -> None:
        self._above: dict[str, str] = {}
        for request in told:
            own, *others = _matter(request)
            for other in others:
                self._above[self.of(other)] = self.of(own)

    def of(self, stream: str) -> str:
        """One of the matter's streams, the same for each of them."""
        while (above := self._above.get(stream, stream)) != stream:
            self._above[stream] = stream = self._above.get(above, above)
        return stream


def _matter(request: Request) -> Iterator[str]:
    command = request.command
    own, *others = command.streams()
    yield own
    if kind_of(own) in (Kind.CASE, Kind.ORDER):
        yield from (one for one in others if kind_of(one) in (Kind.CASE, Kind.ORDER))
    if (replaces := getattr(command, "replacement_for", None)) is not None:
        yield f"case:{replaces}"
