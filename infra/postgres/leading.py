"""Leaders: of several processes one works, and another one takes over when it falls silent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

from infra.postgres.statements import load_statements

SQL = load_statements(Path(__file__).with_name("leading.sql"))


def try_lead(conn: Connection[Any], key: int) -> bool:
    """Whether this session leads; key: of the advisory lock."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        found = cursor.execute(SQL["try_lead"], {"key": key}).fetchone()
    return found is not None and bool(found[0])


def end_silent_holder(conn: Connection[Any], key: int, seconds: float) -> None:
    """End the session that holds the lock if its client has said and taken nothing for so long.
    A stopped process keeps a lock from all others where the server's own time-outs don't look."""
    conn.execute(SQL["end_silent_holder"], {"key": key, "seconds": seconds})
