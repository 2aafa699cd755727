"""Views as of a past moment: what had happened by then, in the views' own queries."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from contextlib import closing
from datetime import datetime
from itertools import islice

from domain.decider import evolve, initial
from domain.kernel import Kind, State
from infra.engine.fold import decode, streams_of_kind
from infra.engine.tables import statements_of, write_rows
from infra.event_store import EventMapper
from infra.postgres import Rows, connect
from projections import queue, sla_clocks

REPLAYED = {"open_cases": queue.PROJECTION, "sla_clocks": sla_clocks.PROJECTION}
"""What the views read, by its name, and whose rows it holds."""

BATCH = 500


@contextlib.contextmanager
def replayed(url: str, at: datetime) -> Generator[Rows]:
    """A connection on which the queue's and the breaches' functions see what had happened by
    `at`, whenever it was learnt. The order and every rule stand in those functions alone.

    Reads all cases of the log. Raises what an unreadable event raises.
    """
    with closing(connect(url, name="casetrail replay")) as conn:
        for projection in REPLAYED.values():
            conn.execute(statements_of(projection)["create_replay"])
        cases = _cases(conn, at)
        while states := list(islice(cases, BATCH)):
            for table, projection in REPLAYED.items():
                rows = {
                    stream: (state.version, tuple(projection.rows(state, {})))
                    for stream, state in states
                }
                write_rows(conn, projection, rows, table)
        yield conn


def _cases(conn: Rows, at: datetime) -> Generator[tuple[str, State]]:
    """Every case with the events that had occurred by `at`, in the order of the log."""
    mapper = EventMapper()
    for stream, events in streams_of_kind(conn, Kind.CASE):
        state = initial(stream)
        for stored in events:
            event, stamp = decode(mapper, stored)
            if stamp.occurred_at <= at:
                state = evolve(state, event, stamp)
        if state.version:
            yield stream, state
