"""A database that is there and takes nothing: for want of a right or a table, or only reading."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager

from psycopg import sql

from infra.postgres import connect
from infra.postgres.roles import APPLICATION
from tests.databases import Database

HINDRANCES = {
    "a lost right": (
        f"REVOKE INSERT ON answers FROM {APPLICATION}",
        f"GRANT INSERT ON answers TO {APPLICATION}",
    ),
    "a missing table": (
        "ALTER TABLE answers RENAME TO replies",
        "ALTER TABLE replies RENAME TO answers",
    ),
    "a missing column": (
        "ALTER TABLE answers RENAME COLUMN code TO rule",
        "ALTER TABLE answers RENAME COLUMN rule TO code",
    ),
}
"""What is done, and what undoes it."""


@contextmanager
def hindered(database: Database, by: str) -> Generator[None]:
    """Until the end of the block nothing can be answered. by: one of HINDRANCES."""
    done, undone = HINDRANCES[by]
    with closing(connect(database.admin_url, autocommit=True)) as conn:
        conn.execute(done.encode())
        try:
            yield
        finally:
            conn.execute(undone.encode())


@contextmanager
def read_only(database: Database) -> Generator[None]:
    """Sessions that begin within the block only read, as long as they last; all others end."""
    name = sql.Identifier(database.name)
    with closing(connect(database.admin_url, autocommit=True)) as conn:
        conn.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name)
        )
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        try:
            yield
        finally:
            conn.execute(
                sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name)
            )


def writing_anyway(url: str) -> str:
    """The URL of sessions that write even where others may only read."""
    return f"{url}{'&' if '?' in url else '?'}options=-c%20default_transaction_read_only%3Doff"
