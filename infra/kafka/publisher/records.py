"""One row of the database as one record of Kafka."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from hashlib import sha1
from typing import Any, NamedTuple
from uuid import UUID

from consumers.kafka_record import WAY_IN
from domain.case.values import Level, Priority
from domain.kernel import Event
from domain.money import exponent
from infra.event_store import Envelope
from infra.kafka.contracts import (
    CASE_EVENTS,
    DEAD_LETTER_SCHEMA,
    DEAD_LETTER_TYPE,
    ENTRY_SCHEMA,
    ENTRY_TYPE,
    LEFT_TYPE,
    RESULT_SCHEMA,
    RESULT_TYPE,
    CommandResult,
    DeadLetterNotice,
    Outgoing,
    QueueEntry,
    cloud_event,
    public_actor,
    public_field,
    public_words,
    tombstone,
)

EVENTS, RESULTS, LETTERS = "case-events", "command-results", "dead-letters"
QUEUE = "queue"

_IDS = UUID("a3a3c6a2-42d1-5d6c-8f0c-6a2c1f6f7f10")


class Stored(NamedTuple):
    """A row of the log. version: in its stream."""

    position: int
    stream: str
    version: int
    topic: str
    recorded_at: datetime
    state: bytes


def case_event(
    row: Stored, event: Event, envelope: Envelope, currency: str | None, source: str
) -> Outgoing:
    """currency: of the case's order, as far as it was known then. source: for `ce_source`, here
    and below."""
    public = CASE_EVENTS[type(event)]
    case_id = row.stream.partition(":")[2]
    platform, shop, _ = case_id.split(":", 2)
    actor = envelope.actor
    # Nothing is validated again: every value was read as what its field says.
    fields: dict[str, Any] = {
        "case_id": case_id,
        "platform": platform,
        "shop": shop,
        "version": row.version,
        "position": row.position,
        "occurred_at": envelope.occurred_at,
        "recorded_at": row.recorded_at,
        "actor": public_actor(actor.kind, actor.role),
    }
    if public.has_amounts:
        fields["currency"] = currency
    return cloud_event(
        EVENTS,
        case_id,
        public.model.model_construct(**fields, **public.fields(event)),
        source=source,
        type_=public.name,
        schema=public.data_schema,
        id_=envelope.event_id,
        time=envelope.occurred_at,
        subject=case_id,
        correlation_id=envelope.correlation_id,
    )


def result(row: Any, source: str) -> Outgoing:
    """What the sender of a record is told. row: of select_answers, select_repeats or
    select_letters."""
    if row.accepted is None:
        # The first that waits for a stream was quarantined, those behind it are parked.
        code = "parked" if row.waits else row.code
        message, field = public_words(code), public_field(row.field)
    else:
        code, message, field = row.code, row.message, row.field
    data = CommandResult(
        source=row.source.removeprefix(WAY_IN),
        message_id=row.message_id,
        correlation_id=row.correlation_id,
        outcome="not_taken" if row.accepted is None else "accepted" if row.accepted else "refused",
        repeat=row.is_repeat,
        position=row.position,
        code=code,
        message=message,
        field=field,
        dead_letter=None if row.accepted is not None else row.number,
        recorded_at=row.recorded_at,
    )
    return cloud_event(
        RESULTS,
        row.correlation_id or row.message_id,
        data,
        source=source,
        type_=RESULT_TYPE,
        schema=RESULT_SCHEMA,
        id_=_id("result", row.told_of),
        time=row.recorded_at,
        subject=row.message_id,
        correlation_id=row.correlation_id,
    )


def notice(row: Any, source: str) -> Outgoing:
    """That a record could not be taken. row: of select_letters."""
    partition = f"{row.topic}/{row.partition}"
    record = cloud_event(
        LETTERS,
        partition,
        DeadLetterNotice(
            number=row.number,
            topic=row.topic,
            partition=row.partition,
            offset=row.record_offset,
            sha256=row.digest.hex(),
            code=row.code,
            recorded_at=row.recorded_at,
        ),
        source=source,
        type_=DEAD_LETTER_TYPE,
        schema=DEAD_LETTER_SCHEMA,
        id_=_id("dead letter", row.told_of),
        time=row.recorded_at,
        subject=f"{partition}/{row.record_offset}",
    )
    # As Kafka Connect's dead letters say it (Kafka's guide, "Error Reporting in Connect"). Words
    # about what is wrong may quote the record: they stay where the record is kept.
    for name, value in (
        ("topic", row.topic),
        ("partition", row.partition),
        ("offset", row.record_offset),
        ("connector.name", "casetrail"),
        ("stage", "TRANSFORMATION"),
        ("class.name", "casetrail.intake"),
        ("exception.class.name", row.code),
        ("exception.message", f"casetrail dead-letters show {row.number}"),
    ):
        record.headers.append((f"__connect.errors.{name}", str(value).encode()))
    return record


def entry(row: Any, at: datetime, source: str) -> Outgoing:
    """An open case. row: of the queue's select_entries. at: since when it is as it says."""
    data = QueueEntry.model_validate(
        {
            "case_id": row.case_id,
            "platform": row.platform,
            "shop": row.shop,
            "position": row.position,
            "category": row.category,
            "order_id": row.order_id,
            "filed_at": row.filed_at,
            "round": row.round,
            "problems": row.problems,
            "severity": _LEVELS[row.severity],
            "priority": _PRIORITIES[row.priority],
            "safety": row.safety,
            "assigned": row.assignee is not None,
            "held_until": row.held_until,
            "turn": row.turn,
            "next_action": row.next_action,
            "about": row.about,
            "payout": row.payout,
            "platform_due_at": row.platform_due_at,
            "currency": row.currency,
            "owed": _minor(row.owed, row.currency),
            "refunded": _minor(row.refunded, row.currency),
            "due_times": [
                {"clock": clock, "party": party, "every_minutes": every, "due_at": due_at}
                for clock, party, every, due_at in zip(
                    row.clock, row.clock_party, row.clock_every, row.due_at, strict=True
                )
            ],
        }
    )
    return cloud_event(
        QUEUE,
        row.case_id,
        data,
        source=source,
        type_=ENTRY_TYPE,
        schema=ENTRY_SCHEMA,
        id_=_id("queue entry", data.model_dump_json()),
        time=at,
        subject=row.case_id,
    )


def left(case_id: str, position: int, at: datetime, source: str) -> Outgoing:
    """That a case is not in the queue any more. position, at: of its last event."""
    return tombstone(
        QUEUE,
        case_id,
        source=source,
        type_=LEFT_TYPE,
        id_=_id("queue left", f"{case_id}/{position}"),
        time=at,
        subject=case_id,
    )


_LEVELS, _PRIORITIES = tuple(Level), tuple(Priority)
"""By their ranks."""


def _minor(amount: Decimal, currency: str | None) -> int:
    return int(amount.scaleb(exponent(currency or "")))


def _id(kind: str, of: str) -> str:
    """The same for the same thing, published again or from another database: a UUID of version 5
    (RFC 9562)."""
    digest = sha1(_IDS.bytes + f"{kind}\0{of}".encode(), usedforsecurity=False).digest()
    return str(UUID(bytes=digest[:16], version=5))
