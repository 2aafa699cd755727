"""Projecting a page: all of it at once, or, when an event in it is poison, around that event."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from domain.kernel import kind_of
from infra.engine.books import Generation, Overtaken, cause_of, change, park
from infra.engine.fold import SQL, Folder, Stored, Turned, is_poison
from infra.engine.tables import SubjectRows, write_rows
from infra.failure import Failure
from infra.postgres import Rows
from projections import Projection

MOST_PARKED = 20
"""Streams of one table. More are no accident: then the read model stops."""


class TooManyParked(Failure):
    """Whatever is wrong, it is not a few events."""


@dataclass(frozen=True, slots=True)
class Move:
    """What is to be said of a page in the books. end: the position after it. events: of all that
    were read; rate: a second, None if the page was too small to say."""

    after: int
    end: int
    events: int
    rate: float | None

    def do(self, conn: Rows, one: Generation) -> None:
        """Compare and set. Raises Overtaken when it is not as we knew it."""
        moved = conn.execute(
            SQL["move_position"],
            {
                "name": one.table,
                "after": self.after,
                "changes": one.changes,
                "end": self.end,
                "events": self.events,
                "rate": self.rate,
            },
        )
        if moved.rowcount != 1:
            raise Overtaken


def rows_of(
    projection: Projection, parked: Collection[str], turned: Turned, folder: Folder
) -> SubjectRows:
    """The rows of every stream whose rows a page may change, each with the position of the last
    event that touched it: the same however the log is cut into pages.

    Raises what an event that is poison raises, unless its stream is parked.
    """
    for stream, error in turned.broken.items():
        if kind_of(stream) in projection.kinds and stream not in parked:
            raise error
    subjects: dict[str, int] = {}
    for stream, touch in turned.touched.items():
        if kind_of(stream) not in projection.kinds or stream in parked:
            continue
        for state in (touch.before, touch.after):
            for subject in projection.subjects(stream, state):
                if subject not in parked:
                    subjects[subject] = max(subjects.get(subject, 0), touch.position)
    states = folder.look(subjects)
    look = folder.look({needed for s in states.values() for needed in projection.needs(s)})
    return {
        stream: (position, tuple(projection.rows(states[stream], look)))
        for stream, position in subjects.items()
    }


def project_around(
    conn: Rows, one: Generation, page: Sequence[Stored], move: Move, most: int
) -> Mapping[str, BaseException]:
    """Project a page that holds poison: halves and halves of it, down to the events at fault,
    whose streams are parked. All in one transaction; the streams that it parked, and why.

    page: all its events, of the read model's kinds at least. most: streams that it may park.
    Raises TooManyParked, with nothing parked and nothing moved.
    """
    with conn.transaction():
        move.do(conn, one)
        around = _Around(conn, one, most)
        around.project(page, move.after)
        if around.found:
            change(conn, [one.table])
    return around.found


class _Around:
    def __init__(self, conn: Rows, one: Generation, most: int) -> None:
        self.found: dict[str, BaseException] = {}
        self._conn = conn
        self._one = one
        self._most = most
        self._parked = set(one.quarantine.parked)

    def project(self, page: Sequence[Stored], after: int) -> None:
        if not page:
            return
        try:
            with self._conn.transaction():
                folder = self._folder(after)
                turned = folder.turn_page(page, page[-1].position)
                rows = rows_of(self._one.projection, self._parked, turned, folder)
                write_rows(self._conn, self._one.projection, rows, self._one.table)
        except Exception as e:
            if not is_poison(e):
                raise
            if len(page) == 1:
                self._project_one(page[0])
                return
        else:
            return
        half = len(page) // 2
        self.project(page[:half], after)
        self.project(page[half:], page[half - 1].position)

    def _project_one(self, event: Stored) -> None:
        """Each subject that it touches by itself."""
        projection = self._one.projection
        folder = self._folder(event.position - 1)
        turned = folder.turn_page([event], event.position)
        try:
            if turned.broken:
                raise turned.broken[event.stream]
            touch = turned.touched[event.stream]
            subjects = {
                subject
                for state in (touch.before, touch.after)
                for subject in projection.subjects(event.stream, state)
            }
        except Exception as e:
            self._park(event.stream, event.position, e)
            return
        for subject in sorted(subjects - self._parked):
            try:
                with self._conn.transaction():
                    rows = subject_rows(projection, folder, subject)
                    whole = {subject: (event.position, rows)}
                    write_rows(self._conn, projection, whole, self._one.table)
            except Exception as e:
                self._park(subject, event.position, e)

    def _folder(self, position: int) -> Folder:
        return Folder(self._conn, position, self._one.quarantine.skipped)

    def _park(self, stream: str, position: int, error: Exception) -> None:
        if not is_poison(error):
            raise error
        if len(self.found) == self._most or len(self._parked) == MOST_PARKED:
            raise TooManyParked(
                "{table} stops: more than {count} streams would be parked, {new} of them at once.",
                table=self._one.table,
                count=len(self._parked),
                new=len(self.found) + 1,
            ) from error
        park(self._conn, self._one.table, stream, position, error)
        self._parked.add(stream)
        self.found[stream] = cause_of(error)


def subject_rows(projection: Projection, folder: Folder, subject: str) -> tuple[object, ...]:
    """One subject's rows at the folder's position. Raises what poison raises."""
    state = folder.look([subject])[subject]
    return tuple(projection.rows(state, folder.look(projection.needs(state))))
