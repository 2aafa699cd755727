"""What a batch writes, in one transaction: events, answers, leases, links of subjects, and a way
in's own offsets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from eventsourcing.persistence import StoredEvent
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow, tuple_row

from domain.kernel import Event, Private
from infra.event_store import (
    Envelope,
    EventMapper,
    Pending,
    append_events,
    event_id,
    lock_log,
    notify_readers,
)
from infra.pipeline.batch import Batch, Item, Outcome, Step
from infra.pipeline.leases import LeaseChange, lease_changes, write_leases
from infra.postgres import load_statements
from infra.vault import Vault

SQL = load_statements(Path(__file__).with_name("pipeline.sql"))

Also = Callable[[Cursor[Any], Outcome], None]
"""Adds statements of a way in (its source offsets) to the transaction of their effects. It may
not wait for results: the statements travel together, and one that fails undoes the batch. It is
told which requests of the batch, its own and others', leave no trace unless it keeps them."""


@dataclass(frozen=True, slots=True)
class Writes:
    """Rows of one batch. ids: of the events; items: those that get an answer's row; reads:
    everything decided on; nth: for each item that wrote events, its last one's number from 1."""

    events: list[StoredEvent]
    ids: list[str]
    items: list[Item]
    nth: dict[Item, int]
    reads: set[str]
    keys: set[str]
    links: list[tuple[str, str]]
    leases: list[LeaseChange]

    @property
    def is_empty(self) -> bool:
        return not self.events and not self.items


def prepare_writes(batch: Batch, mapper: EventMapper, vault: Vault) -> Writes:
    """Encode a decided batch. Creates the keys that its personal data needs, beforehand."""
    decided = [item for item in batch.items if item.is_decided]
    subjects = {
        _subject(step) for item in decided for step in item.steps if step.event.private is not None
    }
    keys = vault.keys_for(subjects)
    leases = lease_changes(step for item in decided for step in item.steps)
    writes = Writes([], [], [], {}, set(), {keys[subject].id for subject in subjects}, [], leases)
    for item in decided:
        writes.reads.update(item.reads)
        for index, step in enumerate(item.steps):
            event: Event = step.event
            if isinstance(event.private, Private):
                sealed = vault.seal(
                    event.private,
                    keys[_subject(step)],
                    step.stream,
                    step.stamp.version,
                    event.TOPIC,
                )
                event = event.model_copy(update={"private": sealed})
            envelope = _envelope(item, step, index)
            pending = Pending(step.stream, step.stamp.version, event, envelope)
            writes.events.append(mapper.to_stored_event(pending))
            writes.ids.append(envelope.event_id)
            if step.before.version and step.before.subject() is None:
                known_as = step.after.subject()
                if known_as is not None:
                    writes.links.append((step.stream, known_as))
        if item.steps:
            writes.nth[item] = len(writes.events)
        if item.is_remembered:
            writes.items.append(item)
    return writes


def _subject(step: Step) -> str:
    """Whose personal data it is: the buyer's once known, the stream's own until then."""
    return step.after.subject() or step.stream


def _envelope(item: Item, step: Step, index: int) -> Envelope:
    request = item.request
    return Envelope(
        event_id=event_id(request.source, request.message_id, index),
        occurred_at=step.stamp.occurred_at.astimezone(UTC),
        decided_at=step.stamp.decided_at,
        actor=step.stamp.actor,
        causation_id=request.causation_id,
        correlation_id=request.correlation_id,
        source=request.source,
        message_id=request.message_id,
        origin=request.origin,
        claim_token=request.acts_under,
    )


def write(
    conn: Connection[Any],
    writes: Writes,
    known: int,
    vault: Vault,
    also: Sequence[Also],
    outcome: Outcome,
) -> int:
    """Write it all in one round trip and one transaction; the log's last position before it.

    known: the position that `writes.reads` were current to. Inside a transaction that already
    holds the log's lock, ends that. Raises psycopg's errors; what they mean, the caller knows.
    """
    own = conn.info.transaction_status.name == "IDLE"
    head, cursor = conn.cursor(row_factory=tuple_row), conn.cursor(row_factory=tuple_row)
    with conn.pipeline():
        if own:
            cursor.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            lock_log(cursor)
        head.execute(
            SQL["check_reads"], {"known": known, "streams": list(writes.reads)}, prepare=True
        )
        if writes.keys:
            vault.check_keys(cursor, sorted(writes.keys))
        if writes.events:
            append_events(cursor, writes.events)
        if writes.items:
            _insert_answers(cursor, writes)
        if writes.leases:
            write_leases(cursor, writes.leases, len(writes.events))
        if writes.links:
            vault.link(cursor, writes.links)
        for add_statements in also:
            add_statements(cursor, outcome)
        notify_readers(cursor)
        cursor.execute("COMMIT")
    row: TupleRow | None = head.fetchone()
    assert row is not None
    return int(row[0])


def _insert_answers(cursor: Cursor[Any], writes: Writes) -> None:
    items = writes.items
    refusals = [item.refusal for item in items]
    cursor.execute(
        SQL["insert_answers"],
        {
            "events": len(writes.events),
            "nth_events": [writes.nth.get(item) for item in items],
            "decided_at": [item.decided_at for item in items],
            "accepted": [refusal is None for refusal in refusals],
            "digests": [item.digest for item in items],
            "sources": [item.request.source for item in items],
            "message_ids": [item.request.message_id for item in items],
            "codes": [refusal.code if refusal else "" for refusal in refusals],
            "messages": [refusal.message if refusal else "" for refusal in refusals],
            "fields": [refusal.field if refusal else "" for refusal in refusals],
            "correlation_ids": [item.request.correlation_id for item in items],
        },
        prepare=True,
    )
