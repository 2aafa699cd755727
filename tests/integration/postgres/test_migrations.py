"""Migrations bring a database up to date once, whoever calls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from infra.postgres import MigrationError, connect, migrate, pending_migrations
from infra.postgres.migrate import Migration, read_migrations
from infra.postgres.roles import APPLICATION
from tests.databases import Database


def a_migration(number: int, text: str) -> Migration:
    return Migration(number, f"{number:04}_made_up", text, f"digest of {text}")


def test_an_empty_database_gets_every_migration_and_then_none(empty_database: Database) -> None:
    names = [migration.name for migration in read_migrations()]
    with closing(connect(empty_database.owner_url)) as conn:
        assert pending_migrations(conn) == names
    assert migrate(empty_database.owner_url) == names
    assert migrate(empty_database.owner_url) == []
    with closing(connect(empty_database.owner_url)) as conn:
        assert pending_migrations(conn) == []


def test_two_processes_on_an_empty_database_migrate_it_once(empty_database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(migrate, [empty_database.owner_url] * 4))
    expected = [migration.name for migration in read_migrations()]
    assert sorted(applied) == [[], [], [], expected]


def test_an_edited_migration_is_refused(database: Database) -> None:
    first, *others = read_migrations()
    edited = [replace(first, digest="0" * 64), *others]
    with pytest.raises(MigrationError, match="0001_log was edited after it had been applied"):
        migrate(database.owner_url, migrations=edited)


def test_a_database_newer_than_the_program_is_refused(database: Database) -> None:
    known = read_migrations()
    newer = a_migration(len(known) + 1, "create table later (id int)")
    migrate(database.owner_url, migrations=[*known, newer])
    with pytest.raises(MigrationError, match="newer than this program"):
        migrate(database.owner_url)


def test_a_failed_migration_leaves_nothing_behind(database: Database) -> None:
    known = read_migrations()
    broken = a_migration(len(known) + 1, "create table half (id int); select 1 / 0")
    with pytest.raises(MigrationError, match="division by zero"):
        migrate(database.owner_url, migrations=[*known, broken])
    with closing(connect(database.url)) as conn:
        assert conn.execute("select to_regclass('half')").fetchone() == (None,)
        assert pending_migrations(conn) == []


def test_a_migration_that_changes_what_the_log_holds_is_refused(
    empty_database: Database,
) -> None:
    log = """create table stored_events (notification_id bigint, originator_id text,
        originator_version bigint, kind smallint, topic text, recorded_at timestamptz,
        state bytea);
        insert into stored_events values (1, 'case:a:b:c', 1, 1, 't', now(), 'x')"""
    changes = [
        "update stored_events set state = 'y'",
        "delete from stored_events",
        "insert into stored_events values (2, 'case:a:b:c', 2, 1, 't', now(), 'x')",
        "update stored_events set recorded_at = recorded_at + interval '1 microsecond'",
    ]
    first = a_migration(1, log)
    migrate(empty_database.owner_url, migrations=[first])
    for change in changes:
        with pytest.raises(MigrationError, match="would change what the log holds"):
            migrate(empty_database.owner_url, migrations=[first, a_migration(2, change)])
    harmless = a_migration(2, "alter table stored_events add column note text")
    assert migrate(empty_database.owner_url, migrations=[first, harmless]) == [harmless.name]


def test_the_application_appends_to_the_log_and_cannot_change_it(database: Database) -> None:
    with closing(connect(database.url, autocommit=True)) as conn:
        for forbidden in (
            "update stored_events set state = state",
            "delete from stored_events",
            "truncate stored_events",
            "alter table stored_events disable trigger all",
            "drop table stored_events",
            "insert into schema_migrations values (99, 'x', 'x')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(forbidden)
        conn.execute("create table a_read_model (id int primary key)")
        conn.execute("drop table a_read_model")


@pytest.mark.parametrize(
    ("table", "allowed"),
    [
        ("schema_migrations", {"SELECT"}),
        ("stored_events", {"SELECT", "INSERT"}),
        ("answers", {"SELECT", "INSERT"}),
        ("subject_links", {"SELECT", "INSERT"}),
        ("master_key", {"SELECT", "INSERT"}),
        ("subject_keys", {"SELECT", "INSERT", "UPDATE"}),
        ("kafka_offsets", {"SELECT", "INSERT", "UPDATE"}),
        ("dead_letters", {"SELECT", "INSERT", "UPDATE"}),
    ],
)
def test_the_application_has_the_rights_on_a_table_that_it_needs_and_no_others(
    database: Database, table: str, allowed: set[str]
) -> None:
    assert granted(database, table) == allowed


def test_rights_that_an_earlier_version_gave_too_generously_are_taken_back(
    database: Database,
) -> None:
    with closing(connect(database.owner_url, autocommit=True)) as conn:
        conn.execute("grant all on answers to casetrail_app")
    assert {"UPDATE", "DELETE"} <= granted(database, "answers")
    migrate(database.owner_url, app_role=APPLICATION)
    assert granted(database, "answers") == {"SELECT", "INSERT"}


def granted(database: Database, table: str) -> set[str]:
    """What the application's role may do with the table."""
    with closing(connect(database.owner_url)) as conn:
        found = conn.execute(
            "select privilege_type from information_schema.role_table_grants"
            " where table_name = %s and grantee = %s",
            (table, APPLICATION),
        )
        return {str(privilege) for (privilege,) in found}


@pytest.mark.parametrize("names", [["0002_a.sql"], ["0001_a.sql", "0003_b.sql"], ["1_a.sql"]])
def test_a_gap_in_the_numbers_is_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("select 1")
    with pytest.raises(MigrationError, match="is not number"):
        read_migrations(tmp_path)
