"""Fills a table from whole streams, part by part; `python -m infra.engine.build` is one of the
processes that share the parts."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from itertools import groupby
from operator import attrgetter

from psycopg.rows import TupleRow

from domain.decider import initial
from infra.engine.books import park, read_quarantine
from infra.engine.fold import SQL, BrokenStreamError, Stored, is_poison
from infra.engine.pages import MOST_PARKED, TooManyParked
from infra.engine.quarantine import find_projection
from infra.engine.subjects import Subjects, positions_of
from infra.engine.tables import SubjectRows, add_rows, write_rows
from infra.postgres import Rows, connect
from projections import PROJECTIONS, Projection

SESSION = {"idle_in_transaction_session_timeout": "60s"}

HOPELESS = 3
"""How a process ends when going on later would help nobody."""


def build_parts(
    conn: Rows,
    projection: Projection,
    table: str,
    upto: int,
    goes_on: Callable[[], bool] = lambda: True,
) -> None:
    """Fill parts until none is left that nobody else fills, or until our parent is gone.

    upto: the table's position in the books. goes_on: asked before each part. Raises
    TooManyParked.
    """
    parent = os.getppid()
    with _rarely_collecting():
        while goes_on() and os.getppid() == parent:
            with conn.transaction():
                # A part that a crash takes back takes its mark along.
                conn.execute("select set_config('synchronous_commit', 'off', true)")
                taken = conn.execute(SQL["take_part"], {"name": table}).fetchone()
                if taken is None:
                    return
                part, first, last = taken
                _Part(conn, projection, table, upto).build(first, last)
                conn.execute(SQL["mark_part"], {"name": table, "part": part})
            gc.collect()


@contextlib.contextmanager
def _rarely_collecting() -> Generator[None]:
    """The states of a part die with it, for they hold no cycles; to look for some over and over
    while they are made takes a fifth of the time."""
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


class _Part:
    def __init__(self, conn: Rows, projection: Projection, table: str, upto: int) -> None:
        self._conn = conn
        self._projection = projection
        self._table = table
        self._upto = upto
        self._skipped = read_quarantine(conn, projection, table).skipped

    def build(self, first: str, last: str) -> None:
        subjects = self._subjects(self._upto)
        streams: list[str] = []
        with self._conn.cursor(binary=True) as cursor:
            asked = {"first": first, "last": last, "upto": self._upto}
            found: Iterable[TupleRow] = cursor.execute(SQL["select_part"], asked, prepare=True)
            for stream, events in groupby(map(Stored._make, found), attrgetter("stream")):
                streams.append(stream)
                subjects.take(list(events))
        try:
            with self._conn.transaction():
                rows = self._rows(subjects, streams)
                add_rows(self._conn, self._projection, rows, self._table)
        except Exception as e:
            if not is_poison(e):
                raise
            for stream in streams:
                self._build_one(stream)

    def _rows(self, subjects: Subjects, streams: Iterable[str]) -> SubjectRows:
        """Raises what a stream raises that cannot be folded, whoever needs it or not."""
        own = [stream for stream in streams if stream in subjects.reach(stream)]
        subjects.load({need for stream in own for need in subjects.needs(stream)})
        return {stream: subjects.rows(stream) for stream in own}

    def _build_one(self, stream: str) -> None:
        """One stream; where it is poison event by event, as the engine would park it."""
        if self._try(stream, self._upto) is None:
            return
        related = {stream}
        if stream in self._projection.subjects(stream, initial(stream)):
            related |= self._needed(stream)
        told = {
            event_position: owner
            for owner in related
            for event_position in positions_of(self._conn, (owner,), 0, self._upto)
        }
        broken: set[str] = set()
        for position, owner in sorted(told.items()):
            if owner in broken or position in self._skipped:
                continue
            error = self._try(stream, position)
            if isinstance(error, BrokenStreamError) and error.stream == owner != stream:
                broken.add(owner)  # is parked where its own turn comes
            elif error is not None:
                self._park(stream, position, error)
                return

    def _needed(self, stream: str) -> set[str]:
        """What its rows need at any time: from the last state that can be folded."""
        upto = self._upto
        while True:
            try:
                return {*self._subjects(upto).needs(stream)}
            except BrokenStreamError as e:
                upto = e.position - 1

    def _try(self, stream: str, upto: int) -> Exception | None:
        try:
            with self._conn.transaction():
                rows = self._rows(self._subjects(upto), (stream,))
                write_rows(self._conn, self._projection, rows, self._table)
        except Exception as e:
            if not is_poison(e):
                raise
            return e
        return None

    def _park(self, stream: str, position: int, error: Exception) -> None:
        park(self._conn, self._table, stream, position, error)
        count = self._conn.execute(SQL["count_parked"], {"name": self._table}).fetchone()
        if count is not None and count[0] > MOST_PARKED:
            raise TooManyParked(
                "{table} stops: more than {count} streams would be parked, {new} of them at once.",
                table=self._table,
                count=MOST_PARKED,
                new=1,
            )

    def _subjects(self, upto: int) -> Subjects:
        return Subjects(self._conn, self._projection, upto, self._skipped)


def main() -> None:
    """Arguments: read model, table, position; the database's URL comes by stdin, because
    whoever lists processes sees arguments."""
    name, table, upto = sys.argv[1:]
    url = sys.stdin.read()
    projection = find_projection(PROJECTIONS, name)
    with closing(connect(url, autocommit=True, name="casetrail rebuild")) as conn:
        for setting, value in SESSION.items():
            conn.execute("select set_config(%s, %s, false)", (setting, value))
        try:
            build_parts(conn, projection, table, int(upto))
        except TooManyParked as e:
            sys.stderr.write(f"{e}\n")
            sys.exit(HOPELESS)


if __name__ == "__main__":
    main()
