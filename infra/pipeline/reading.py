"""What a batch reads: the clock, the log's tail, the first answers and whole streams."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

from psycopg import Connection, Cursor
from psycopg.rows import TupleRow, tuple_row

from domain.kernel import State
from infra.event_store import EventMapper
from infra.pipeline.batch import Decider, Key
from infra.pipeline.cache import StateCache
from infra.pipeline.snapshots import WORTH_KEEPING, Snapshots
from infra.postgres import load_statements

SQL = load_statements(Path(__file__).with_name("pipeline.sql"))

logger = logging.getLogger(__name__)

_VERSION = itemgetter(1)

MAX_TAIL = 5_000
"""Events. When others wrote more since, starting with an empty cache costs less."""


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """A row of `answers` that an earlier request left."""

    digest: bytes
    accepted: bool
    position: int | None
    code: str
    message: str
    field: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What one round found, all of it as of one moment.

    now: the database's clock. touched: streams that others wrote to since the last round, None
    when there were too many to say. loaded: the streams asked for. broken: those of them that
    cannot be folded, with the reason.
    """

    now: datetime
    touched: set[str] | None
    answers: dict[Key, FirstAnswer]
    loaded: dict[str, State]
    broken: dict[str, str]


class Reader:
    """Reads on behalf of batches and keeps the cache current."""

    def __init__(
        self, mapper: EventMapper, decider: Decider, cache: StateCache, snapshots: Snapshots
    ) -> None:
        self._mapper = mapper
        self._decider = decider
        self._cache = cache
        self._snapshots = snapshots
        self._worth_keeping: dict[str, State] = {}

    def read(
        self, conn: Connection[Any], streams: Collection[str], keys: Collection[Key] = ()
    ) -> Reading:
        """One round trip. Inside a transaction (that holds the log's lock) it reads in that."""
        own = conn.info.transaction_status.name == "IDLE"
        with conn.pipeline():
            if own:
                conn.execute(SQL["begin_reading"])
            clock = _ask(conn, "select_clock")
            answers = (
                _ask(
                    conn,
                    "select_answers",
                    sources=[source for source, _ in keys],
                    message_ids=[message_id for _, message_id in keys],
                )
                if keys
                else None
            )
            tail = _ask(
                conn,
                "select_tail",
                after=self._cache.position,
                limit=MAX_TAIL if self._cache.position >= 0 else 0,
            )
            rows = self._ask_for_streams(conn, streams) if streams else None
            if own:
                conn.execute("COMMIT")
        ((now, head),) = clock.fetchall()
        touched = self._catch_up(conn, tail.fetchall(), head)
        loaded, broken, spoilt = self._fold_all(streams, rows.fetchall() if rows else [])
        if spoilt:
            rows = self._ask_for_streams(conn, spoilt, made_by=b"")
            more, failed, _ = self._fold_all(spoilt, rows.fetchall())
            loaded.update(more)
            broken.update(failed)
        found = {
            (source, message_id): FirstAnswer(*rest)
            for source, message_id, *rest in (answers.fetchall() if answers else [])
        }
        return Reading(now, touched, found, loaded, broken)

    def _catch_up(self, conn: Connection[Any], tail: list[TupleRow], head: int) -> set[str] | None:
        """Bring the cached states up to date. Of what others write most is never asked of us: only
        of streams that are cached are the events read."""
        cache = self._cache
        before, cache.position = cache.position, head
        if before >= 0 and head - before > MAX_TAIL:
            cache.clear()
            return None
        # Our own events are in their states already.
        outdated = {
            stream: state
            for stream, version in tail
            if (state := cache.peek(stream)) is not None and state.version < version
        }
        if outdated:
            self._renew(conn, outdated)
        return {stream for stream, _ in tail}

    def _renew(self, conn: Connection[Any], outdated: Mapping[str, State]) -> None:
        versions = [state.version for state in outdated.values()]
        rows = _ask(conn, "select_newer", streams=list(outdated), versions=versions).fetchall()
        for stream, events in _by_stream(outdated, rows).items():
            try:
                state = self._fold(outdated[stream], events)
            except Exception:
                # Whoever asks for the stream loads it, and is told what is wrong with it.
                self._cache.drop(stream)
            else:
                self._cache.put(stream, state, sum(len(event[3]) for event in events))

    def keep_snapshots(self, conn: Connection[Any], written: Mapping[str, State]) -> None:
        """Store what took long to fold, for the next time that it is not in the cache. written:
        the committed states of streams that were written to since they were read."""
        if self._worth_keeping:
            states = {
                stream: written.get(stream, state) for stream, state in self._worth_keeping.items()
            }
            self._snapshots.store(conn, states)
            self._worth_keeping.clear()

    def _ask_for_streams(
        self, conn: Connection[Any], streams: Collection[str], made_by: bytes | None = None
    ) -> Cursor[TupleRow]:
        made_by = self._snapshots.made_by if made_by is None else made_by
        return _ask(conn, "select_streams", streams=list(streams), made_by=made_by)

    def _fold_all(
        self, streams: Collection[str], rows: list[TupleRow]
    ) -> tuple[dict[str, State], dict[str, str], set[str]]:
        """The states; why a stream cannot be folded; streams whose snapshot is not to be used."""
        loaded: dict[str, State] = {}
        broken: dict[str, str] = {}
        spoilt: set[str] = set()
        for stream, events in _by_stream(streams, rows).items():
            state, size = self._decider.initial(stream), 0
            if events and not events[0][2]:
                _, version, _, snapshot = events.pop(0)
                opened = self._snapshots.open(stream, version, state, snapshot)
                if opened is None:
                    spoilt.add(stream)
                    continue
                state, size = opened
            try:
                loaded[stream] = state = self._fold(state, events)
            except Exception as e:
                logger.exception("%s cannot be folded", stream)
                broken[stream] = f"{stream} cannot be folded: {e}"
                continue
            size += sum(len(event[3]) for event in events)
            self._cache.drop(stream)
            self._cache.put(stream, state, size)
            if len(events) >= WORTH_KEEPING and self._snapshots.takes(state):
                self._worth_keeping[stream] = state
        return loaded, broken, spoilt

    def _fold(self, state: State, events: Iterable[TupleRow]) -> State:
        read, evolve = self._mapper.decode_for_fold, self._decider.evolve
        for _, version, topic, stored in events:
            event, stamp = read(topic, version, stored)
            state = evolve(state, event, stamp)
        return state


def _by_stream(streams: Iterable[str], rows: Iterable[TupleRow]) -> dict[str, list[TupleRow]]:
    """Of each of the streams its rows, in their order."""
    found: dict[str, list[TupleRow]] = {stream: [] for stream in streams}
    for row in rows:
        found[row[0]].append(row)
    for of_one in found.values():
        of_one.sort(key=_VERSION)
    return found


def _ask(conn: Connection[Any], name: str, **params: Any) -> Cursor[TupleRow]:
    # Binary: bytea comes as it is, not as hexadecimal text.
    cursor = conn.cursor(binary=True, row_factory=tuple_row)
    return cursor.execute(SQL[name], params, prepare=True)
