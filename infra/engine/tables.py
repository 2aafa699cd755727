"""The read models' tables and what readers see of them: making, filling, swapping."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, LiteralString

from psycopg import sql
from pydantic_core import to_json

from infra.engine.books import BOOKS_LOCK, Standing, base_of
from infra.engine.fold import SQL
from infra.engine.readers import put_readers
from infra.postgres import Rows, load_statements
from projections import Projection

SWAP_WAIT = "2s"
"""How long a swap waits for open readers, which meanwhile make others wait behind it."""

BOOKS = (
    "create_books",
    "add_missing_columns",
    "create_reader_book",
    "add_missing_reader_columns",
    "create_parked_book",
    "create_skipped_book",
    "create_rebuild_book",
    "create_parked_view",
    "create_wait_function",
)

SubjectRows = Mapping[str, tuple[int, Iterable[object]]]
"""Stream -> position of the last event that touched its rows, and the rows."""


@cache
def statements_of(projection: Projection, table: str | None = None) -> Mapping[str, LiteralString]:
    """The named statements of the `.sql` files of the projection, for this version's table (or
    another of the same shape)."""
    statements: dict[str, Any] = {}  # a name of our own is as good as a literal
    for path in projection.sql:
        for name, text in load_statements(path).items():
            statements[name] = text.replace("{table}", table or projection.table)
    return statements


def _readers_of(projection: Projection, table: str | None = None) -> list[LiteralString]:
    """The statements that make what readers see of it, in their order."""
    statements = statements_of(projection, table)
    return [text for name, text in statements.items() if re.fullmatch("create_.*readers", name)]


def make_tables(conn: Rows, projections: Sequence[Projection]) -> None:
    """Make what is missing: a new version of a read model starts with an empty table, at 0."""
    with conn.transaction():
        conn.execute(SQL["lock_books"], {"key": BOOKS_LOCK})
        for book in BOOKS:
            conn.execute(SQL[book])
        there = {base_of(name) for name in _names(conn)}
        for projection in projections:
            if projection.table not in there:
                make_table(conn, projection, projection.table)


def make_table(
    conn: Rows, projection: Projection, table: str, standing: Standing = "live", position: int = 0
) -> None:
    """An empty table but for the seed, and its line in the books. One that is to be filled first
    gets its indexes then: see index_table."""
    conn.execute(statements_of(projection, table)["create_table"])
    if standing != "building":
        index_table(conn, projection, table)
    made = {"name": table, "standing": standing, "position": position}
    conn.execute(SQL["insert_name"], made)
    write_rows(conn, projection, {"": (0, projection.seed)}, table)


def index_table(conn: Rows, projection: Projection, table: str) -> None:
    """Those beside the primary key, if the read model has any."""
    statement = statements_of(projection, table).get("create_indexes")
    if statement is not None:
        conn.execute(statement)


def write_rows(
    conn: Rows, projection: Projection, subjects: SubjectRows, table: str | None = None
) -> None:
    """Put the rows of these subjects in place of those they had, in one statement each for what
    is there and for what no longer is. table: another one than the projection's own."""
    statements = statements_of(projection, table)
    add_rows(conn, projection, subjects, table)
    touched = [
        {"stream": stream, "position": position} for stream, (position, _) in subjects.items()
    ]
    if touched:
        conn.execute(statements["delete_rows"], {"touched": to_json(touched).decode()})


def add_rows(
    conn: Rows, projection: Projection, subjects: SubjectRows, table: str | None = None
) -> None:
    """The rows of these subjects, where all that they had is among them."""
    rows = [
        _columns(row, stream, position)
        for stream, (position, its_rows) in subjects.items()
        for row in its_rows
    ]
    if rows:
        statement = statements_of(projection, table)["upsert_rows"]
        conn.execute(statement, {"rows": to_json(rows).decode()})


def _columns(row: object, stream: str, position: int) -> dict[str, object]:
    slots: Iterable[str] = getattr(type(row), "__slots__", ()) or row.__dict__
    columns = {name: getattr(row, name) for name in slots}
    columns["stream"], columns["position"] = stream, position
    return columns


def swap_readers(conn: Rows, projections: Sequence[Projection]) -> bool:
    """Let readers see these versions, and drop the others' tables; once they have caught up with
    what readers see now. Whether readers see them.

    Raises LockNotAvailable when a reader holds a view too long, InTheWay when something of others
    needs what is no more; try again later.
    """
    if readers_see(conn, projections):
        return True
    with conn.transaction():
        conn.execute(SQL["lock_books"], {"key": BOOKS_LOCK})
        live, others = dict[str, tuple[str, int]](), dict[str, int]()
        bases = {projection.table for projection in projections}
        for name, position, _, standing, _ in conn.execute(SQL["select_positions"]):
            if base_of(name) not in bases:
                others[name] = position
            elif standing == "live":
                live[base_of(name)] = name, position
        if others and min(position for _, position in live.values()) < max(others.values()):
            return False
        conn.execute("select set_config('lock_timeout', %s, true)", (SWAP_WAIT,))
        texts: list[LiteralString] = []
        for projection in projections:
            table, _ = live[projection.table]
            texts += _readers_of(projection, table)
        put_readers(conn, texts)
        drop_tables(conn, others)
        conn.execute(SQL["replace_digest"], {"digest": digest_of(projections)})
        return True


def readers_see(conn: Rows, projections: Sequence[Projection]) -> bool:
    """Whether the views are those of these versions."""
    found = conn.execute(SQL["select_digest"]).fetchone()
    return found is not None and found[0] == digest_of(projections)


def drop_tables(conn: Rows, names: Collection[str]) -> None:
    """Forget these versions of read models."""
    for name in names:
        conn.execute(sql.SQL("drop table if exists {} cascade").format(sql.Identifier(name)))
        conn.execute(SQL["delete_name"], {"name": name})


def _names(conn: Rows) -> set[str]:
    return {name for (name,) in conn.execute(SQL["select_names"])}


def digest_of(projections: Sequence[Projection]) -> str:
    """Of all that readers see, so that a changed view is swapped without a rebuild."""
    parts = [part for p in projections for part in (p.table, *_readers_of(p))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
