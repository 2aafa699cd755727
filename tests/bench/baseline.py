"""What the benchmarks are set beside: the library's own way on the same domain (load the streams,
decide, save, one at a time), and the bare insert of the same events."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import Mapper, StoredEvent
from eventsourcing.utils import Environment, EnvType

from domain import decider
from domain.kernel import Context, Event, Stamp, State
from domain.request import Request
from domain.world import NotLoaded, World
from infra.event_store import (
    Envelope,
    EventMapper,
    Pending,
    append_events,
    event_id,
    lock_log,
    notify_readers,
)
from infra.postgres import Rows, connect
from tests.databases import Database

EVENTS_AT_ONCE = 1_000
"""What some 500 commands lead to."""


class LibraryMapper(Mapper[str]):
    """Our bytes on the library's interface: faster than the mapper its documentation shows, so
    that the comparison is about load, decide and save."""

    def __init__(self) -> None:
        self._ours = EventMapper()
        super().__init__(self._ours.transcoder)

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        return self._ours.to_stored_event(domain_event)

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        event, envelope = self._ours.decode(stored_event.topic, stored_event.state)
        return Pending(
            str(stored_event.originator_id), stored_event.originator_version, event, envelope
        )


class Library(Application[str]):
    """An application of `eventsourcing` as it ships: its recorder, its table, its lock."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        (host,) = parse_qs(parts.query)["host"]
        self.settings = {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": parts.path[1:],
            "POSTGRES_HOST": host,
            "POSTGRES_PORT": "5432",
            "POSTGRES_USER": parts.username or "",
            "POSTGRES_PASSWORD": "",
            "POSTGRES_SCHEMA": "library",
            "ORIGINATOR_ID_TYPE": "text",
        }
        super().__init__()

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        return Environment(name, self.settings)

    def construct_mapper(self) -> Mapper[str]:
        return LibraryMapper()

    def submit(self, request: Request) -> int:
        """Load, decide, save; how many events."""
        states: dict[str, State] = {}
        for stream in request.command.streams():
            states[stream] = self._fold(stream)
        now = datetime.now(UTC)
        occurred = request.occurred_at or now
        context = Context(now, occurred, request.actor, request.message_id)
        while True:
            try:
                emits = decider.decide(request.command, World(states), context)
                break
            except NotLoaded as e:
                states[e.stream] = self._fold(e.stream)
        pending: list[Any] = []
        for index, emit in enumerate(emits):
            state = states[emit.stream]
            at, actor = emit.occurred_at or occurred, emit.actor or request.actor
            stamp = Stamp(state.version + 1, at, now, actor)
            states[emit.stream] = decider.evolve(state, emit.event, stamp)
            said = Envelope(
                event_id=event_id(request.source, request.message_id, index),
                occurred_at=at,
                decided_at=now,
                actor=actor,
                causation_id=None,
                correlation_id=None,
                source=request.source,
                message_id=request.message_id,
                origin=request.origin,
            )
            pending.append(Pending(emit.stream, stamp.version, emit.event, said))
        self.events.put(pending)
        return len(pending)

    def _fold(self, stream: str) -> State:
        return decider.fold(stream, self._stored(stream))

    def _stored(self, stream: str) -> Iterator[tuple[Event, Stamp]]:
        loaded: Iterator[Any] = self.events.get(stream)
        for one in loaded:
            said = one.envelope
            stamp = Stamp(one.version, said.occurred_at, said.decided_at, said.actor)
            yield one.event, stamp


def open_library(database: Database) -> Library:
    """The library on the same events, in tables of its own."""
    with psycopg.connect(database.admin_url, autocommit=True) as conn:
        conn.execute("CREATE SCHEMA library; GRANT ALL ON SCHEMA library TO PUBLIC")
    library = Library(database.url)
    with psycopg.connect(database.url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO library.library_events"
            " (originator_id, originator_version, topic, state)"
            " SELECT originator_id, originator_version, topic, state FROM stored_events"
            " ORDER BY notification_id"
        )
        conn.execute("ANALYZE library.library_events")
    return library


def insert_bare(url: str, conn: Rows, after: int) -> tuple[int, float]:
    """The log's events after a position, into the same table elsewhere, by the insert alone, a
    batch's worth a transaction: how many, and in how many seconds."""
    with closing(connect(url)) as source:
        rows = [
            StoredEvent(*row)
            for row in source.execute(
                "SELECT originator_id, originator_version, topic, state FROM stored_events"
                " WHERE notification_id > %s ORDER BY notification_id",
                (after,),
            )
        ]
    started = time.perf_counter()
    for start in range(0, len(rows), EVENTS_AT_ONCE):
        with conn.transaction(), conn.cursor() as cursor:
            lock_log(cursor)
            append_events(cursor, rows[start : start + EVENTS_AT_ONCE])
            notify_readers(cursor)
    return len(rows), time.perf_counter() - started
