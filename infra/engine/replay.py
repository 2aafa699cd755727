"""Views as of a past moment: what had happened by then, in the views' own queries."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from domain.decider import evolve, initial
from domain.kernel import Kind, State
from infra.engine.books import read_skipped
from infra.engine.fold import Stored, decode, is_poison, streams_of_kind
from infra.engine.quarantine import has_books, read_parked
from infra.engine.tables import statements_of, write_rows
from infra.event_store import EventMapper
from infra.postgres import Rows, connect
from projections import queue, sla_clocks

REPLAYED = {"open_cases": queue.PROJECTION, "sla_clocks": sla_clocks.PROJECTION}
"""What the views read, by its name, and whose rows it holds."""

BATCH = 500


@dataclass(frozen=True)
class Replayed:
    """conn: on which the queue's and the breaches' functions see what had happened. cut: streams
    that could only be followed up to an event at fault, as in the views of now."""

    conn: Rows
    cut: frozenset[str]


@contextlib.contextmanager
def replayed(url: str, at: datetime) -> Generator[Replayed]:
    """What had happened by `at`, whenever it was learnt. The order and every rule stand in the
    views' functions alone. Events that a read model skips are left out of it.

    Reads all cases of the log.
    """
    with closing(connect(url, name="casetrail replay")) as conn:
        replay = _Replay(conn, at)
        for projection in REPLAYED.values():
            conn.execute(statements_of(projection)["create_replay"])
        streams = streams_of_kind(conn, Kind.CASE)
        while some := [(stream, list(events)) for stream, events in islice(streams, BATCH)]:
            states = {stream: replay.states(events) for stream, events in some}
            for table, projection in REPLAYED.items():
                rows = {
                    stream: (state.version, tuple(projection.rows(state, {})))
                    for stream, its in states.items()
                    if (state := its[table]).version
                }
                write_rows(conn, projection, rows, table)
        yield Replayed(conn, frozenset(replay.cut))


class _Replay:
    """cut: streams that were not followed to their end."""

    def __init__(self, conn: Rows, at: datetime) -> None:
        self.cut: set[str] = set()
        self._at = at
        self._mapper = EventMapper()
        self._parked = {(one.read_model, one.stream): one.position for one in read_parked(conn)}
        asks = has_books(conn)
        self._skipped = {
            table: read_skipped(conn, projection) if asks else frozenset[int]()
            for table, projection in REPLAYED.items()
        }

    def states(self, events: Sequence[Stored]) -> dict[str, State]:
        """One case's as each read model sees it; hardly ever is that not the same."""
        states: dict[str, State] = {}
        known: dict[tuple[frozenset[int], int | None], State] = {}
        for table, projection in REPLAYED.items():
            skipped = self._skipped[table].intersection(event.position for event in events)
            key = skipped, self._parked.get((projection.name, events[0].stream))
            if key not in known:
                known[key] = self._fold(events, *key)
            states[table] = known[key]
        return states

    def _fold(self, events: Sequence[Stored], skipped: frozenset[int], parked: int | None) -> State:
        """By the events that had occurred by then, in the order of the log: up to the first of them
        that is at fault, whether it is parked already or cannot be read or folded. When one had
        occurred that cannot be read, nobody knows."""
        state = initial(events[0].stream)
        for stored in events:
            if stored.position in skipped:
                continue
            try:
                event, stamp = decode(self._mapper, stored)
                if stamp.occurred_at > self._at:
                    continue
                if parked is not None and stored.position >= parked:
                    self.cut.add(stored.stream)
                    break
                state = evolve(state, event, stamp)
            except Exception as e:
                if not is_poison(e):
                    raise
                self.cut.add(stored.stream)
                break
        return state
