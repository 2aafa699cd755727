"""Compares what readers see with the same read model built anew, row by row."""

from __future__ import annotations

import time
from dataclasses import dataclass

from psycopg import sql

from infra.engine.books import Books
from infra.engine.fold import SQL
from infra.engine.rebuild import TRY_AGAIN, Watch, alone, check_follows, fill, unwatched
from infra.engine.status import read_status
from infra.engine.tables import drop_tables
from infra.failure import Failure
from infra.postgres import Rows
from projections import Projection

COMPARE = """
with only_live as (select {columns} from {live} except all select {columns} from {fresh}),
     only_fresh as (select {columns} from {fresh} except all select {columns} from {live}),
     differing as (
         select true as live, to_jsonb(l) as found from only_live l
         union all
         select false, to_jsonb(f) from only_fresh f
         union all
         select name = %(live)s,
                jsonb_build_object('stream', stream, 'parked_from', position)
         from parked_streams k
         where name in (%(live)s, %(fresh)s) and not exists (
             select from parked_streams o
             where o.name in (%(live)s, %(fresh)s) and o.name <> k.name
               and o.stream = k.stream and o.position = k.position)
     )
select live, found, count(*) over ()
from differing order by found ->> 'stream', live desc, found limit %(most)s
"""
"""Names of tables are no parameters, so this is no named statement."""


@dataclass(frozen=True)
class Difference:
    """A row, or the place from which on a stream is parked, that one side alone has."""

    live: bool
    row: dict[str, object]


@dataclass(frozen=True)
class Checked:
    """position: of both. rows: of the live table. count: of the differences, the first of which
    are there."""

    table: str
    position: int
    rows: int
    count: int
    differences: list[Difference]


def verify(
    url: str,
    projection: Projection,
    *,
    workers: int | None = None,
    most: int = 20,
    watch: Watch = unwatched,
) -> Checked:
    """Build the read model aside and compare it with the live one once both are at the same
    position. most: differences that are handed back.

    Raises Failure when the live one stands still.
    """
    with alone(url, projection) as (engine, conn):
        table = fill(url, conn, projection, "checking", workers, anew=True, watch=watch)
        try:
            while (checked := _compare(conn, projection, table, most)) is None:
                engine.drive(conn)
                check_follows(conn, table)
                time.sleep(TRY_AGAIN)
        finally:
            drop_tables(conn, [table])
        return checked


def _compare(conn: Rows, projection: Projection, table: str, most: int) -> Checked | None:
    """In one snapshot; None while they are not at the same position."""
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read")
        conn.execute("select set_config('statement_timeout', '0', true)")
        generations, _ = Books((projection,)).read(conn)
        positions = {one.table: one.position for one in generations}
        (live,) = (one.table for one in generations if one.standing == "live")
        if positions[live] != positions[table]:
            for one in read_status(conn):
                if one.name == live and one.error is not None:
                    raise Failure("{table} stands still: {reason}", table=live, reason=one.error)
            return None
        names = {"live": sql.Identifier(live), "fresh": sql.Identifier(table)}
        counting = sql.SQL("select count(*) from {live}").format(**names)
        row = conn.execute(counting).fetchone()
        made = {"table": live, "without": list(projection.places)}
        columns = [sql.Identifier(name) for (name,) in conn.execute(SQL["select_columns"], made)]
        comparing = sql.SQL(COMPARE).format(columns=sql.SQL(", ").join(columns), **names)
        found = conn.execute(comparing, {"live": live, "fresh": table, "most": most}).fetchall()
    differences = [Difference(is_live, its_row) for is_live, its_row, _ in found]
    count = found[0][2] if found else 0
    return Checked(live, positions[live], row[0] if row else 0, count, differences)
