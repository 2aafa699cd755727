"""What an operator does about parked streams: look, fold anew, or skip an event for good."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql
from psycopg.rows import class_row

from infra.engine.books import (
    FOLLOWED,
    change,
    lock_position,
    park,
    read_quarantine,
    tables_standing,
)
from infra.engine.fold import SQL, BrokenStreamError, is_poison
from infra.engine.subjects import Subjects, positions_of
from infra.engine.tables import write_rows
from infra.failure import Failure
from infra.postgres import Rows
from projections import Projection


class UnknownReadModel(Failure):
    """There is no read model of that name."""


@dataclass(frozen=True)
class Parked:
    """A stream that a read model does not follow. position: of the first event that is not in its
    rows; attempts: how often it was tried."""

    read_model: str
    stream: str
    position: int
    error: str
    parked_at: datetime
    attempts: int


def find_projection(projections: Sequence[Projection], name: str) -> Projection:
    """Raises UnknownReadModel."""
    for projection in projections:
        if projection.name == name:
            return projection
    raise UnknownReadModel(
        "There is no read model {name}; there are: {names}.",
        name=name,
        names=", ".join(projection.name for projection in projections),
    )


def read_parked(conn: Rows) -> list[Parked]:
    """Of what readers see; none if no engine ever ran on this database."""
    if not has_books(conn):
        return []
    with conn.cursor(row_factory=class_row(Parked)) as cursor:
        return cursor.execute(SQL["select_all_parked"]).fetchall()


def has_books(conn: Rows) -> bool:
    """Whether an engine ever ran on this database."""
    found = conn.execute(SQL["find_books"]).fetchone()
    return found is not None and bool(found[0])


def retry(conn: Rows, projection: Projection, stream: str | None = None) -> list[Parked]:
    """Fold the read model's parked streams anew, or one of them; those that are parked still.

    conn: in autocommit mode. A leader that works on a page meanwhile begins it anew. Raises
    Failure when that stream is not parked.
    """
    known = _parked(conn, projection)
    if stream is not None and stream not in {one.stream for one in known}:
        raise Failure(
            "{stream} is not parked in {read_model}.", stream=stream, read_model=projection.name
        )
    for table in tables_standing(conn, projection, *FOLLOWED) if known else ():
        for parked, position, *_ in conn.execute(SQL["select_parked"], {"name": table}).fetchall():
            if stream in (None, parked):
                with conn.transaction():
                    _advance(conn, projection, table, parked, position)
    return [one for one in _parked(conn, projection) if stream in (None, one.stream)]


def skip(conn: Rows, projection: Projection, position: int, who: str, why: str) -> list[Parked]:
    """Let the read model take no notice of the event that a stream is parked for, now and in any
    rebuild, and fold the stream anew; those of the read model that are parked still.

    Raises Failure when no stream is parked there, or while the read model is being built anew.
    """
    if tables_standing(conn, projection, "building"):
        raise Failure(
            "{read_model} is being built anew; skip when that has ended.",
            read_model=projection.name,
        )
    if position not in {one.position for one in _parked(conn, projection)}:
        raise Failure(
            "Nothing is parked at position {position} in {read_model}.",
            position=position,
            read_model=projection.name,
        )
    stream = _stream_at(conn, position)
    with conn.transaction():
        tables = tables_standing(conn, projection, *FOLLOWED)
        touched = {table: _touched(conn, projection, table, stream) for table in tables}
        conn.execute(
            SQL["insert_skipped"],
            {
                "projection": projection.name,
                "position": position,
                "stream": stream,
                "who": who,
                "why": why,
            },
        )
        change(conn, tables)
        for table, subjects in touched.items():
            _refold(conn, projection, table, lock_position(conn, table), subjects)
    return retry(conn, projection)


def _parked(conn: Rows, projection: Projection) -> list[Parked]:
    return [one for one in read_parked(conn) if one.read_model == projection.name]


def _stream_at(conn: Rows, position: int) -> str:
    row = conn.execute(SQL["select_event_stream"], {"position": position}).fetchone()
    assert row is not None
    return str(row[0])


def _touched(conn: Rows, projection: Projection, table: str, stream: str) -> set[str]:
    """Whose rows the stream's events have changed so far; those that are parked did not follow."""
    quarantine = read_quarantine(conn, projection, table)
    subjects = Subjects(conn, projection, lock_position(conn, table), quarantine.skipped)
    try:
        return {*subjects.touched_by(stream)} - quarantine.parked
    except Exception as e:
        if not is_poison(e):
            raise
        return set()  # then it is this very stream that is parked


def _advance(conn: Rows, projection: Projection, table: str, stream: str, since: int) -> None:
    """Fold a parked stream anew as far as it goes: to the table's position, or else to the first
    event that is poison still."""
    upto = lock_position(conn, table)
    change(conn, [table])
    skipped = read_quarantine(conn, projection, table).skipped
    if _try_refold(conn, projection, table, stream, upto) is None:
        conn.execute(SQL["unpark_stream"], {"name": table, "stream": stream})
        return
    related = {stream}
    for position in (since - 1, upto):
        with contextlib.suppress(BrokenStreamError):
            related.update(Subjects(conn, projection, position, skipped).needs(stream))
    for position in positions_of(conn, related, since - 1, upto):
        error = _try_refold(conn, projection, table, stream, position)
        if error is not None:
            park(conn, table, stream, position, error)
            return


def _try_refold(
    conn: Rows, projection: Projection, table: str, stream: str, upto: int
) -> Exception | None:
    """None if it went; else what was poison, with nothing changed."""
    quarantine = read_quarantine(conn, projection, table)
    try:
        with conn.transaction():
            subjects = Subjects(conn, projection, upto, quarantine.skipped)
            touched = {*subjects.touched_by(stream)} - (quarantine.parked - {stream})
            _refold(conn, projection, table, upto, touched)
    except Exception as e:
        if not is_poison(e):
            raise
        return e
    return None


def _refold(
    conn: Rows, projection: Projection, table: str, upto: int, touched: Collection[str]
) -> None:
    """Put these subjects' rows in the place of what is there, whatever that was made of."""
    skipped = read_quarantine(conn, projection, table).skipped
    subjects = Subjects(conn, projection, upto, skipped)
    rows = {subject: subjects.rows(subject) for subject in touched}
    delete = sql.SQL("delete from {} where stream = any (%s)").format(sql.Identifier(table))
    conn.execute(delete, (list(touched),))
    write_rows(conn, projection, rows, table)
