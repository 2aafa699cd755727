"""Streams folded exactly up to one position of the log, and kept between pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from domain.decider import evolve, initial
from domain.kernel import Kind, Stamp, State
from infra.event_store import EventMapper
from infra.pipeline import StateCache
from infra.postgres import Rows, load_statements

SQL = load_statements(Path(__file__).with_name("engine.sql"))

CACHE_BYTES = 64 * 2**20


class Stored(NamedTuple):
    """An event as the log keeps it. position: from 1."""

    position: int
    stream: str
    version: int
    topic: str
    state: bytes


@dataclass(frozen=True, slots=True)
class Touched:
    """A stream that a page has events of. position: of the last of them."""

    before: State
    after: State
    position: int


def read_page(conn: Rows, after: int, upto: int, kinds: Iterable[Kind], limit: int) -> list[Stored]:
    """Up to `limit` events of these kinds after a position, in the log's order."""
    with conn.cursor(binary=True) as cursor:
        wanted = {"kinds": sorted(kinds), "after": after, "upto": upto, "limit": limit}
        return [Stored(*row) for row in cursor.execute(SQL["select_page"], wanted, prepare=True)]


class Folder:
    """position: every state here holds its stream's events up to it, and none after it.

    Its pages must hold all events of the kinds that are looked at."""

    def __init__(self, conn: Rows, position: int) -> None:
        self.position = position
        self._conn = conn
        self._mapper = EventMapper()
        self._cache = StateCache(CACHE_BYTES)

    def turn_page(self, page: Sequence[Stored], end: int) -> Mapping[str, Touched]:
        """Fold a page whose last position is `end`; what it touched. Raises what a broken event
        raises: then nothing here may be used any more."""
        by_stream: dict[str, list[Stored]] = {}
        for stored in page:
            by_stream.setdefault(stored.stream, []).append(stored)
        # A stream that begins in this page has nothing to be loaded.
        begun = (stream for stream, events in by_stream.items() if events[0].version > 1)
        known = self._known(begun, self.position)
        touched: dict[str, Touched] = {}
        for stream, events in by_stream.items():
            before = known.get(stream) or initial(stream)
            after = self._fold(before, events)
            touched[stream] = Touched(before, after, events[-1].position)
            self._cache.put(stream, after, sum(len(event.state) for event in events))
        self.position = end
        return touched

    def look(self, streams: Iterable[str]) -> dict[str, State]:
        """These streams at the present position."""
        return self._known(streams, self.position)

    def _known(self, streams: Iterable[str], upto: int) -> dict[str, State]:
        known: dict[str, State] = {}
        missing: list[str] = []
        for stream in streams:
            state = self._cache.get(stream)
            if state is None:
                missing.append(stream)
            else:
                known[stream] = state
        if missing:
            with self._conn.cursor(binary=True) as cursor:
                asked = {"streams": missing, "upto": upto}
                rows = cursor.execute(SQL["select_streams"], asked, prepare=True)
                loaded = [Stored(*row) for row in rows]
            for stream, events in groupby(loaded, attrgetter("stream")):
                told = list(events)
                known[stream] = self._fold(initial(stream), told)
                self._cache.put(stream, known[stream], sum(len(event.state) for event in told))
            for stream in missing:
                known.setdefault(stream, initial(stream))
        return known

    def _fold(self, state: State, events: Iterable[Stored]) -> State:
        for event in events:
            state = evolve(state, *decode(self._mapper, event))
        return state


def decode(mapper: EventMapper, stored: Stored) -> tuple[Any, Stamp]:
    """The event and what a fold may read of its envelope. Raises UnknownTopic, UnreadableEvent."""
    event, envelope = mapper.decode(stored.topic, stored.state)
    stamp = Stamp(stored.version, envelope.occurred_at, envelope.decided_at, envelope.actor)
    return event, stamp


def streams_of_kind(conn: Rows, kind: Kind) -> Iterator[tuple[str, Iterator[Stored]]]:
    """Every stream of one kind with its events in order, one at a time: memory holds a page.
    To be called inside a transaction."""
    prefix = kind.name.lower()
    bounds = {"first": f"{prefix}:", "last": f"{prefix};"}
    with conn.cursor(name="streams_of_kind", binary=True) as cursor:
        cursor.itersize = 2_000
        cursor.execute(SQL["select_kind"], bounds)
        yield from groupby((Stored(*row) for row in cursor), attrgetter("stream"))
