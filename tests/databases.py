"""Fresh databases of one real server, copied from a migrated template."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

from psycopg import sql

from infra.postgres import Server, connect, migrate
from infra.postgres.roles import APPLICATION, OWNER, create_roles

TEMPLATE = "casetrail_template"


@dataclass(frozen=True)
class Database:
    """One database. url: as the application; owner_url: as the tables' owner; admin_url: as
    the server's superuser."""

    name: str
    url: str
    owner_url: str
    admin_url: str


def prepare_template(server: Server) -> None:
    """Make the template once; several processes may ask at the same time."""
    with closing(connect(server.url("postgres"), autocommit=True)) as conn:
        create_roles(conn)
        found = conn.execute("select 1 from pg_database where datname = %s", (TEMPLATE,))
        if found.fetchone() is None:
            making = f"{TEMPLATE}_{uuid.uuid4().hex[:8]}"
            _create(server, making, "template1")
            migrate(server.url(making, OWNER), app_role=APPLICATION)
            rename = sql.SQL("alter database {} rename to {}")
            conn.execute(rename.format(sql.Identifier(making), sql.Identifier(TEMPLATE)))


@contextlib.contextmanager
def fresh_database(server: Server, template: str = TEMPLATE) -> Generator[Database]:
    """A database of one's own, dropped at the end whoever still uses it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    _create(server, name, template)
    try:
        yield Database(
            name, server.url(name, APPLICATION), server.url(name, OWNER), server.url(name)
        )
    finally:
        with closing(connect(server.url("postgres"), autocommit=True)) as conn:
            drop = sql.SQL("drop database {} with (force)")
            conn.execute(drop.format(sql.Identifier(name)))


def _create(server: Server, name: str, template: str) -> None:
    with closing(connect(server.url("postgres"), autocommit=True)) as conn:
        create = sql.SQL("create database {} template {} owner {}")
        names = (name, template, OWNER)
        conn.execute(create.format(*(sql.Identifier(part) for part in names)))
