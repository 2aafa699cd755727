"""How far the publisher is, and setting it back by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from domain.kernel import Kind
from infra.engine import what_readers_see
from infra.kafka.failure import KafkaError
from infra.kafka.publisher.pages import ANSWERS, REPEATS, SQL
from infra.kafka.publisher.records import EVENTS, LETTERS, QUEUE
from infra.kafka.publisher.relay import LEADER_LOCK, NAME
from infra.postgres import Rows
from projections import queue

KINDS = (EVENTS, ANSWERS, REPEATS, LETTERS, QUEUE)


@dataclass(frozen=True)
class Publication:
    """One kind of what is published. position: all up to it was acknowledged. waiting: how many
    are not published yet (of the answers, others' too; of the queue, events that its rows hold);
    oldest_seconds: the age of the first of them, None if there is none. error: why it does not
    go on, since failed_at."""

    name: str
    position: int
    waiting: int
    oldest_seconds: float | None
    moved_at: datetime
    error: str | None
    failed_at: datetime | None


@dataclass(frozen=True)
class Leader:
    """Who publishes. process: its id and host."""

    process: str
    since: datetime


@dataclass(frozen=True)
class PublisherStatus:
    """leader: None while nobody publishes."""

    leader: Leader | None
    publications: list[Publication]


def publisher_status(conn: Rows) -> PublisherStatus:
    """As of now. conn: any connection to the database."""
    seen = what_readers_see(conn, queue.PROJECTION)
    wanted = {"kind": Kind.CASE, "reached": seen.position if seen else 0}
    led = conn.execute(SQL["select_leader"], {"key": LEADER_LOCK}).fetchone()
    with conn.cursor(row_factory=class_row(Publication)) as cursor:
        found = cursor.execute(SQL["select_status"], wanted).fetchall()
    leader = None if led is None else Leader(led[0].removeprefix(NAME).strip(), led[1])
    return PublisherStatus(leader, sorted(found, key=lambda one: KINDS.index(one.name)))


def republish(conn: Rows, name: str, start: int) -> None:
    """Publish everything from there on again; of the queue, cases to which something happened from
    there on. name: one of KINDS. start: a position of the log for case-events and the queue,
    else a number. Whoever publishes finds the position moved and goes on from
    it. Raises KafkaError for a start that was not published yet: it would skip."""
    moved = conn.execute(SQL["rewind_position"], {"name": name, "position": start - 1})
    if moved.rowcount != 1:
        raise KafkaError("{start} is not published yet.", start=start)
