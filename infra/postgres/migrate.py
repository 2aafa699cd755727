"""Brings a database's durable tables up to date from the numbered files in migrations/."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg

from infra.postgres.connect import Rows, connect, one_line
from infra.postgres.launch import PostgresError
from infra.postgres.statements import load_statements

FOLDER = Path(__file__).with_name("migrations")
LOCK = 0x6361_7365  # "case": one migration of a database at a time

SQL = load_statements(Path(__file__).with_name("migrate.sql"))


class MigrationError(PostgresError):
    """The database and the migrations of this program do not fit together."""


@dataclass(frozen=True)
class Migration:
    """One numbered file. digest: SHA-256 of its bytes, hexadecimal."""

    number: int
    name: str
    text: str
    digest: str


def read_migrations(folder: Path = FOLDER) -> list[Migration]:
    """The folder's files in order; `0001_what_it_does.sql`, numbered from 1 without gaps."""
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
        if match is None or int(match[1]) != len(found) + 1:
            raise MigrationError(
                "{file} is not number {number} of the migrations.",
                file=path.name,
                number=len(found) + 1,
            )
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        found.append(Migration(int(match[1]), path.stem, content.decode(), digest))
    return found


def migrate(
    url: str, *, app_role: str | None = None, migrations: Sequence[Migration] | None = None
) -> list[str]:
    """Apply what is missing, each migration in its own transaction; names of those applied.

    url: as the owner of the tables. app_role: the application's role where it is another one;
    it may read and write the tables but not change what is in the log, nor own it.
    Any number of processes may call this at once. Raises MigrationError when an applied file
    was edited since, when the database is newer than the program, or when a migration would
    change what the log holds.
    """
    wanted = read_migrations() if migrations is None else list(migrations)
    with closing(connect(url, autocommit=True, name="casetrail migrate")) as conn:
        conn.execute(SQL["take_lock"], (LOCK,))
        conn.execute(SQL["create_migrations"])
        done = _done(conn)
        _compare(wanted, done)
        missing = wanted[len(done) :]
        for migration in missing:
            _apply(conn, migration)
        if app_role is not None:
            _grant(conn, app_role)
        return [migration.name for migration in missing]


def pending_migrations(conn: Rows) -> list[str]:
    """Names of what `migrate` would apply to this database; raises MigrationError as it does."""
    row = conn.execute(SQL["find_migrations"]).fetchone()
    done = _done(conn) if row and row[0] else []
    wanted = read_migrations()
    _compare(wanted, done)
    return [migration.name for migration in wanted[len(done) :]]


def _done(conn: Rows) -> list[tuple[int, str, str]]:
    rows = conn.execute(SQL["select_migrations"]).fetchall()
    return [(int(number), str(name), str(digest)) for number, name, digest in rows]


def _compare(wanted: Sequence[Migration], done: Sequence[tuple[int, str, str]]) -> None:
    if len(done) > len(wanted):
        raise MigrationError(
            "The database is newer than this program: it has {name}.", name=done[len(wanted)][1]
        )
    for migration, (_, name, digest) in zip(wanted, done, strict=False):
        if migration.digest != digest:
            raise MigrationError(
                "{name} was edited after it had been applied; add a new one.", name=name
            )


def _apply(conn: Rows, migration: Migration) -> None:
    with conn.transaction():
        # Nothing may be added meanwhile, or the two digests could not be compared.
        before = _log_digest(conn)
        try:
            conn.execute(migration.text.encode())  # bytes: several statements, no parameters
        except psycopg.Error as e:
            raise MigrationError(
                "{name} failed: {reason}", name=migration.name, reason=one_line(e)
            ) from e
        if before is not None and _log_digest(conn) != before:
            raise MigrationError("{name} would change what the log holds.", name=migration.name)
        conn.execute(SQL["insert_migration"], (migration.number, migration.name, migration.digest))


def _log_digest(conn: Rows) -> tuple[object, ...] | None:
    """Count and sum of the events' hashes; None while there is no log. Locks the log."""
    row = conn.execute(SQL["find_log"]).fetchone()
    if row is None or not row[0]:
        return None
    conn.execute(SQL["lock_log"])
    return conn.execute(SQL["digest_log"]).fetchone()


def _grant(conn: Rows, role: str) -> None:
    """Give the application's role what it needs on the owner's tables; safe to repeat."""
    with conn.transaction():
        conn.execute(SQL["set_app_role"], (role,))
        conn.execute(SQL["grant_tables"])
