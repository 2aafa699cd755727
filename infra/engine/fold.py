"""Streams folded exactly up to one position of the log, and kept between pages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import ProgrammingError
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled

from domain.decider import evolve, initial
from domain.kernel import Event, Kind, Stamp, State
from infra.event_store import EventMapper
from infra.pipeline import StateCache
from infra.postgres import OF_THE_ROWS, Rows, load_statements

SQL = load_statements(Path(__file__).with_name("engine.sql"))

CACHE_BYTES = 64 * 2**20

PASSING = (LockNotAvailable, QueryCanceled, DeadlockDetected)
"""What PostgreSQL says when others lock a table for too long, or keep it too busy."""

OF_THE_TABLE = (ProgrammingError, *PASSING)
"""That, or a table is not as it should be: no event is at fault, and no other table."""


def is_poison(error: BaseException) -> bool:
    """Whether an event, or the row made of it, is at fault and would be again."""
    if isinstance(error, psycopg.Error):
        return isinstance(error, OF_THE_ROWS)
    return isinstance(error, Exception) and not isinstance(error, MemoryError | OSError)


class Stored(NamedTuple):
    """An event as the log keeps it. position: from 1."""

    position: int
    stream: str
    version: int
    topic: str
    state: bytes


class BrokenStreamError(Exception):
    """An event cannot be read or folded. position: its own; the cause says why."""

    def __init__(self, stream: str, position: int, cause: BaseException) -> None:
        super().__init__(f"{stream} cannot be folded at {position}: {cause}")
        self.stream = stream
        self.position = position
        self.__cause__ = cause


@dataclass(frozen=True, slots=True)
class Touched:
    """A stream that a page has events of. position: of the last of them."""

    before: State
    after: State
    position: int


@dataclass(frozen=True, slots=True)
class Turned:
    """What a page touched. broken: those of its streams that cannot be folded any more."""

    touched: Mapping[str, Touched]
    broken: Mapping[str, BrokenStreamError]


def read_page(conn: Rows, after: int, upto: int, kinds: Iterable[Kind], limit: int) -> list[Stored]:
    """Up to `limit` events of these kinds after a position, in the log's order."""
    with conn.cursor(binary=True) as cursor:
        wanted = {"kinds": sorted(kinds), "after": after, "upto": upto, "limit": limit}
        return [Stored(*row) for row in cursor.execute(SQL["select_page"], wanted, prepare=True)]


def read_streams(conn: Rows, streams: Collection[str], upto: int) -> Iterator[list[Stored]]:
    """The events of each of these streams up to a position; of those that have any."""
    with conn.cursor(binary=True) as cursor:
        asked = {"streams": list(streams), "upto": upto}
        loaded = [
            Stored(*row) for row in cursor.execute(SQL["select_streams"], asked, prepare=True)
        ]
    for _, events in groupby(loaded, attrgetter("stream")):
        yield list(events)


class Folder:
    """position: every state here holds its stream's events up to it, and none after it.

    skipped: positions of events that are taken no notice of. broken: streams that cannot be
    folded up to here. Its pages must hold all events of the kinds that are looked at."""

    def __init__(self, conn: Rows, position: int, skipped: frozenset[int] = frozenset()) -> None:
        self.position = position
        self.skipped = skipped
        self.broken: dict[str, BrokenStreamError] = {}
        self._conn = conn
        self._mapper = EventMapper()
        self._cache = StateCache(CACHE_BYTES)

    def turn_page(self, page: Sequence[Stored], end: int) -> Turned:
        """Fold a page whose last position is `end`; what it touched."""
        by_stream: dict[str, list[Stored]] = {}
        for stored in page:
            if stored.position not in self.skipped:
                by_stream.setdefault(stored.stream, []).append(stored)
        # A stream that begins in this page has nothing to be loaded.
        begun = [stream for stream, events in by_stream.items() if events[0].version > 1]
        known = self._load(begun, self.position)
        touched: dict[str, Touched] = {}
        for stream, events in by_stream.items():
            if stream in self.broken:
                continue
            before = known.get(stream) or initial(stream)
            try:
                after = fold(self._mapper, before, events)
            except BrokenStreamError as e:
                self._break(e)
                continue
            touched[stream] = Touched(before, after, events[-1].position)
            self._cache.put(stream, after, sum(len(event.state) for event in events))
        self.position = end
        return Turned(touched, {s: self.broken[s] for s in by_stream if s in self.broken})

    def look(self, streams: Iterable[str]) -> dict[str, State]:
        """These streams at the present position. Raises BrokenStreamError for the first that
        cannot be folded."""
        return self._load(list(streams), self.position, strict=True)

    def _load(self, streams: Sequence[str], upto: int, *, strict: bool = False) -> dict[str, State]:
        """The states of these streams, kept for the next time. strict: raise what is broken."""
        known: dict[str, State] = {}
        missing: list[str] = []
        for stream in streams:
            if stream in self.broken:
                if strict:
                    raise self.broken[stream]
            elif (state := self._cache.get(stream)) is not None:
                known[stream] = state
            else:
                missing.append(stream)
        for events in read_streams(self._conn, missing, upto) if missing else ():
            stream = events[0].stream
            told = [event for event in events if event.position not in self.skipped]
            try:
                known[stream] = fold(self._mapper, initial(stream), told)
            except BrokenStreamError as e:
                self._break(e)
                if strict:
                    raise
            else:
                self._cache.put(stream, known[stream], sum(len(event.state) for event in told))
        for stream in missing:
            if stream not in self.broken:
                known.setdefault(stream, initial(stream))
        return known

    def _break(self, error: BrokenStreamError) -> None:
        self.broken[error.stream] = error
        self._cache.drop(error.stream)


def fold(mapper: EventMapper, state: State, events: Iterable[Stored]) -> State:
    """The state after these events of one stream. Raises BrokenStreamError."""
    for stored in events:
        try:
            state = evolve(state, *decode(mapper, stored))
        except Exception as e:
            if not is_poison(e):
                raise
            raise BrokenStreamError(stored.stream, stored.position, e) from e
    return state


def decode(mapper: EventMapper, stored: Stored) -> tuple[Event, Stamp]:
    """The event and what a fold may read of its envelope. Raises UnknownTopic, UnreadableEvent."""
    return mapper.decode_for_fold(stored.topic, stored.version, stored.state)


def streams_of_kind(conn: Rows, kind: Kind) -> Iterator[tuple[str, Iterator[Stored]]]:
    """Every stream of one kind with its events in order, one at a time: memory holds a page.
    To be called inside a transaction."""
    prefix = kind.name.lower()
    bounds = {"first": f"{prefix}:", "last": f"{prefix};"}
    with conn.cursor(name="streams_of_kind", binary=True) as cursor:
        cursor.itersize = 2_000
        cursor.execute(SQL["select_kind"], bounds)
        yield from groupby((Stored(*row) for row in cursor), attrgetter("stream"))
