"""What is to be published next: rows of the database as records of Kafka."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

from psycopg.rows import namedtuple_row

from domain.case import events as ev
from domain.kernel import Event, Kind
from infra.engine import Seen
from infra.event_store import Envelope, EventMapper, UnknownTopic, UnreadableEvent
from infra.kafka.contracts import (
    CASE_EVENTS,
    Outgoing,
)
from infra.kafka.failure import KafkaError
from infra.kafka.publisher.feed import Basis, BrokenEntry, QueueFeed, basis_of
from infra.kafka.publisher.records import (
    EVENTS,
    LETTERS,
    QUEUE,
    Stored,
    case_event,
    notice,
    result,
)
from infra.postgres import Rows, load_statements

SQL = load_statements(Path(__file__).with_name("publisher.sql"))

ANSWERS, REPEATS = "answers", "repeats"
PAGE = 500
"""Rows of one kind that are sent before their acknowledgement is awaited."""

KNOWN_CURRENCIES = 50_000
PRICED = (ev.ComplaintFiled.TOPIC, ev.OrderLinked.TOPIC)


Decoded = tuple[Stored, Event, Envelope]


class Unpublishable(KafkaError):
    """What has no public form, or cannot be read: nothing of its kind behind it is published."""


class Standing(NamedTuple):
    """How far a kind is, and how far it could be. basis: of the queue; see QueueFeed."""

    position: int
    basis: Basis | None
    head: int


@dataclass(frozen=True)
class Page:
    """What follows `after` and goes up to `end`. records: in their order."""

    name: str
    after: int
    end: int
    records: Sequence[Outgoing]
    basis: Basis | None = None


@dataclass
class Pages:
    """Reads on from where each kind is. conn: the publisher's own. source: what the records give
    as theirs."""

    conn: Rows
    source: str
    limit: int = PAGE
    _mapper: EventMapper = field(default_factory=EventMapper)
    _currencies: dict[str, str] = field(default_factory=dict[str, str])
    _known_at: int = 0
    """Up to where the log was read for the currencies."""
    queue_follows: bool = False
    """As of the last look: the live queue has not reached the last event of a case, so that there
    will be more soon."""

    def __post_init__(self) -> None:
        self._feed = QueueFeed(self.conn, SQL, self.source, self.limit)

    def positions(self, seen: Seen | None = None) -> dict[str, Standing]:
        """Of each kind, as of one moment. seen: what readers see of the queue now, or before."""
        seen = seen or self._feed.look()
        wanted = {"kind": Kind.CASE, "reached": seen.position if seen else 0}
        rows = self.conn.execute(SQL["select_positions"], wanted, prepare=True)
        found = {name: Standing(position, basis, head) for name, position, basis, head in rows}
        self.queue_follows = seen is not None and found[QUEUE].head < found[EVENTS].head
        return found

    def read(
        self, leaving_out: Collection[str] = ()
    ) -> tuple[list[Page], dict[str, Unpublishable]]:
        """The next page of each kind that has one, in the order in which they are to be sent, and
        by kind what keeps the next of it from being sent."""
        seen = self._feed.look()
        positions = self.positions(seen)
        pages: list[Page] = []
        faults: dict[str, Unpublishable] = {}
        for name, read in (
            (EVENTS, self._events),
            (ANSWERS, self._answers),
            (REPEATS, self._repeats),
            (LETTERS, self._letters),
        ):
            after, _, head = positions[name]
            if after < head and name not in leaving_out:
                # An answer goes before its repeat.
                answered = max((p.end for p in pages if p.name == ANSWERS), default=None)
                told = positions[ANSWERS].position if answered is None else answered
                try:
                    page = read(after, head, told)
                except Unpublishable as e:
                    faults[name] = e
                    continue
                if page.end > after:
                    pages.append(page)
        if seen is not None and QUEUE not in leaving_out:
            try:
                pages += self._queue(seen, positions[QUEUE])
            except Unpublishable as e:
                faults[QUEUE] = e
        return pages, faults

    def _events(self, after: int, head: int, _told: int) -> Page:
        with self.conn.cursor(binary=True) as cursor:
            wanted = {"kind": Kind.CASE, "after": after, "upto": head, "limit": self.limit}
            rows = cursor.execute(SQL["select_events"], wanted, prepare=True).fetchall()
        decoded: list[Decoded] = []
        records: list[Outgoing] = []
        fault: Exception | None = None
        try:
            for row in map(Stored._make, rows):
                event, envelope = self._mapper.decode(row.topic, row.state)
                decoded.append((row, event, envelope))
        except (UnknownTopic, UnreadableEvent) as e:
            fault = e
        self._learn_currencies(decoded, after)
        try:
            for row, event, envelope in decoded:
                self._learn_currency(row.stream, event)
                currency = self._currencies.get(row.stream)
                records.append(case_event(row, event, envelope, currency, self.source))
        except Exception as e:  # whatever it is, nothing behind it may overtake it
            fault = e
        if fault is not None and not records:
            raise Unpublishable(
                "The event at position {position} cannot be published: {reason}",
                position=rows[0][0],
                reason=fault,
            ) from fault
        end = rows[len(records) - 1][0] if records else after
        self._known_at = end
        return Page(EVENTS, after, end, records)

    def _learn_currencies(self, decoded: Sequence[Decoded], after: int) -> None:
        """Those of the page's cases as of its start: read again, it shall say the same."""
        if self._known_at != after or len(self._currencies) > KNOWN_CURRENCIES:
            self._currencies.clear()
        self._known_at = -1
        unknown = {
            row.stream
            for row, event, _ in decoded
            if CASE_EVENTS[type(event)].has_amounts and row.stream not in self._currencies
        }
        if unknown:
            wanted = {"streams": list(unknown), "topics": list(PRICED), "upto": after}
            with self.conn.cursor(binary=True) as cursor:
                for stream, topic, state in cursor.execute(SQL["select_priced"], wanted):
                    self._learn_currency(stream, self._mapper.decode(topic, state)[0])

    def _learn_currency(self, stream: str, event: Event) -> None:
        currency = getattr(event, "currency", None)
        if isinstance(currency, str):
            self._currencies[stream] = currency

    def _answers(self, after: int, head: int, _told: int) -> Page:
        end = min(head, after + self.limit)
        rows = self._rows("select_answers", after, end)
        return Page(ANSWERS, after, end, [result(row, self.source) for row in rows])

    def _repeats(self, after: int, head: int, told: int) -> Page:
        rows = self._rows("select_repeats", after, min(head, after + self.limit))
        ready = list(takewhile(lambda row: row.answer <= told, rows))
        end = ready[-1].number if ready else after
        return Page(REPEATS, after, end, [result(row, self.source) for row in ready])

    def _letters(self, after: int, head: int, _told: int) -> Page:
        end = min(head, after + self.limit)
        records: list[Outgoing] = []
        for row in self._rows("select_letters", after, end):
            records.append(notice(row, self.source))
            if row.source is not None:
                records.append(result(row, self.source))
        return Page(LETTERS, after, end, records)

    def _queue(self, seen: Seen, standing: Standing) -> Iterator[Page]:
        after, before, head = standing
        basis = basis_of(seen)
        start = self._feed.start(seen, after, before)
        if start >= head and basis == before:
            return
        try:
            found = self._feed.read(seen, start, head, before)
        except BrokenEntry as e:
            raise Unpublishable("The queue's entry cannot be published: {reason}", reason=e) from e
        if found is not None:
            yield Page(QUEUE, after, *found, basis)

    def _rows(self, statement: str, after: int, upto: int) -> list[Any]:
        with self.conn.cursor(binary=True, row_factory=namedtuple_row) as cursor:
            cursor.execute(SQL[statement], {"after": after, "upto": upto}, prepare=True)
            return cursor.fetchall()
