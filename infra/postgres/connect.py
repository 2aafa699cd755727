"""Connections and pools, and the checks that a server must pass before it is trusted."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import CardinalityViolation, DataError, IntegrityError, ProgramLimitExceeded
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from infra.postgres.launch import PostgresError

OLDEST_SERVER = 16
NAME = "casetrail"

OF_THE_ROWS = (DataError, IntegrityError, CardinalityViolation, ProgramLimitExceeded)
"""What PostgreSQL says when it refuses a row. Whatever else it says is about the connection, the
disk, a time-out, a lost right, a server that only reads or a table that is not as it should be:
nothing that was to be stored is at fault, and the same may be stored later."""

Rows = Connection[TupleRow]
Pool = ConnectionPool[Rows]


def connect(url: str, *, autocommit: bool = False, name: str = NAME, **more: Any) -> Rows:
    """A connection whose session speaks UTC; more: further libpq parameters.

    Raises PostgresError, with the server's words and never the password, if there is none.
    """
    try:
        return psycopg.connect(url, autocommit=autocommit, **_parameters(url, name), **more)
    except psycopg.OperationalError as e:
        raise PostgresError("PostgreSQL cannot be reached: {reason}", reason=one_line(e)) from e


def one_line(error: BaseException) -> str:
    """An error's words without the line breaks of libpq."""
    return " ".join(str(error).split())


def open_pool(url: str, *, least: int = 1, most: int = 8, name: str = NAME) -> Pool:
    """An open pool of such connections; a broken one is found before it is handed out."""
    return ConnectionPool(
        url,
        kwargs=_parameters(url, name),
        connection_class=Rows,
        min_size=least,
        max_size=most,
        check=ConnectionPool.check_connection,
        open=True,
    )


def _parameters(url: str, name: str) -> dict[str, Any]:
    # psycopg prepares what it runs often, and the server keeps a plan that it made while a table
    # was small: on a database that began empty, statements would read whole tables as they grow.
    ours = "-c timezone=UTC -c plan_cache_mode=force_custom_plan"
    options = f"{conninfo_to_dict(url).get('options') or ''} {ours}"
    return {"application_name": name, "connect_timeout": 10, "options": options.strip()}


def check_server(url: str) -> None:
    """Raise PostgresError unless the server keeps what it confirms and gives whole sessions.

    Refused: a version below 16, a standby, another encoding than UTF-8, fsync,
    full_page_writes or synchronous_commit off, and a pooler that lends a session for one
    transaction only: advisory locks and LISTEN would be lost between two.
    """
    with closing(connect(url, autocommit=True)) as conn:
        if conn.info.server_version < OLDEST_SERVER * 10_000:
            raise PostgresError(
                "PostgreSQL {oldest} or later is needed; the server is {version}.",
                oldest=OLDEST_SERVER,
                version=conn.info.server_version // 10_000,
            )
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            if _show(conn, setting) == "off":
                raise PostgresError(
                    "The server runs with {setting} = off: what it confirms can be lost.",
                    setting=setting,
                )
        if (encoding := _show(conn, "server_encoding")) != "UTF8":
            raise PostgresError(
                "The database's encoding is {encoding}; UTF8 is needed.", encoding=encoding
            )
        if _show(conn, "in_hot_standby") == "on":
            raise PostgresError("The server is a read-only standby.")
        if _lends_by_transaction(conn, url):
            raise PostgresError(
                "The URL leads to a transaction pooler; connect to the server itself, "
                "or switch the pooler to session mode."
            )


def _show(conn: Rows, setting: str) -> str:
    row = conn.execute("select current_setting(%s)", (setting,)).fetchone()
    assert row is not None
    return str(row[0])


def _lends_by_transaction(mine: Rows, url: str) -> bool:
    """Whether our session's process serves somebody else between two of our transactions."""
    first = _process(mine)
    with closing(connect(url)) as other:
        # `other` stays in its transaction, so that a pooler must give us another process.
        return _process(other) == first or _process(mine) != first


def _process(conn: Rows) -> int:
    row = conn.execute("select pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])
