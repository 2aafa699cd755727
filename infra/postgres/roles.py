"""The embedded server's roles and database."""

from __future__ import annotations

from contextlib import closing

from psycopg import sql

from infra.postgres.connect import Rows, connect
from infra.postgres.embedded import Server

DATABASE = "casetrail"
OWNER = "casetrail_owner"
APPLICATION = "casetrail_app"

_LOCK = 0x726F_6C65  # "role": roles belong to the whole server, so one command at a time


def prepare_database(server: Server) -> None:
    """Make the roles and the database, if they are not there yet."""
    with closing(connect(server.url("postgres"), autocommit=True)) as conn:
        create_roles(conn)
        found = conn.execute("select 1 from pg_database where datname = %s", (DATABASE,))
        if found.fetchone() is None:
            create = sql.SQL("create database {} owner {}")
            conn.execute(create.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))


def create_roles(conn: Rows) -> None:
    """One role owns the tables, another works with them and so cannot change what is logged.

    Holds a lock until the session ends: others wait, then find everything made.
    """
    conn.execute("select pg_advisory_lock(%s)", (_LOCK,))
    for role in (OWNER, APPLICATION):
        found = conn.execute("select 1 from pg_roles where rolname = %s", (role,))
        if found.fetchone() is None:
            conn.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))


def current_role(url: str) -> str:
    """The role that a connection by this URL works as."""
    with closing(connect(url)) as conn:
        row = conn.execute("select current_user").fetchone()
        assert row is not None
        return str(row[0])
