"""A server that could lose or mix up what we write is refused at start-up."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from psycopg import sql

from infra.postgres import PostgresError, Server, check_server, connect, embedded, embedded_server
from infra.settings import read_settings
from infra.wiring import open_system
from tests.databases import Database
from tests.integration.postgres.pooler import transaction_pooler


def test_an_ordinary_server_passes(database: Database) -> None:
    check_server(database.url)


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_may_lose_what_it_confirmed_is_refused(
    home: Path, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(embedded.SETTINGS, setting, "off")
    with (
        embedded_server(home) as server,
        pytest.raises(PostgresError, match=f"{setting} = off"),
    ):
        check_server(server.url("postgres"))


@pytest.mark.parametrize("whose", ["database", "role"])
def test_synchronous_commit_off_is_refused_wherever_it_was_set(
    database: Database, postgres_server: Server, whose: str
) -> None:
    with closing(connect(postgres_server.url("postgres"), autocommit=True)) as conn:
        target = {
            "database": sql.SQL("database {}").format(sql.Identifier(database.name)),
            "role": sql.SQL("role casetrail_app in database {}").format(
                sql.Identifier(database.name)
            ),
        }[whose]
        conn.execute(sql.SQL("alter {} set synchronous_commit = off").format(target))
    with pytest.raises(PostgresError, match="synchronous_commit = off"):
        check_server(database.url)


def test_another_encoding_than_utf8_is_refused(postgres_server: Server) -> None:
    with closing(connect(postgres_server.url("postgres"), autocommit=True)) as conn:
        conn.execute("create database latin encoding 'LATIN1' template template0")
        try:
            with pytest.raises(PostgresError, match="LATIN1"):
                check_server(postgres_server.url("latin"))
        finally:
            conn.execute("drop database latin")


def test_a_transaction_pooler_is_refused(database: Database, home: Path) -> None:
    with transaction_pooler(str(home), database.url) as url:
        with closing(connect(url)) as conn:
            assert conn.execute("select current_database()").fetchone() == (database.name,)
        with pytest.raises(PostgresError, match="transaction pooler"):
            check_server(url)


def test_an_unreachable_server_is_one_clear_sentence() -> None:
    with pytest.raises(PostgresError, match=r"^PostgreSQL cannot be reached: [^\n]+$") as refused:
        connect("postgresql://someone:secret@127.0.0.1:1/x")
    assert "secret" not in str(refused.value)


def test_a_database_of_ones_own_is_migrated_by_its_owner_and_used_by_the_application(
    empty_database: Database, tmp_path: Path
) -> None:
    environment = {
        "CASETRAIL_HOME": str(tmp_path),
        "CASETRAIL_DATABASE_URL": empty_database.url,
        "CASETRAIL_MIGRATE_URL": empty_database.owner_url,
    }
    with (
        open_system(read_settings(environment)) as system,
        closing(connect(system.database_url)) as conn,
    ):
        owner = conn.execute(
            "select tableowner from pg_tables where tablename = 'stored_events'"
        ).fetchone()
        assert owner == ("casetrail_owner",)
        assert conn.execute("select current_user").fetchone() == ("casetrail_app",)
        assert conn.execute("select count(*) from stored_events").fetchone() == (0,)
    assert list(tmp_path.iterdir()) == []


def test_one_role_may_do_both_where_only_one_url_is_given(
    empty_database: Database, tmp_path: Path
) -> None:
    environment = {
        "CASETRAIL_HOME": str(tmp_path),
        "CASETRAIL_DATABASE_URL": empty_database.owner_url,
    }
    for _ in range(2):
        with open_system(read_settings(environment)) as system:
            assert system.server is None
