"""The engine follows the log through kills, lost notices and rivals, and ends with equal rows."""

from __future__ import annotations

import contextlib
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from domain.sla.events import ClockName
from infra.engine import Behind, Engine, read_status, rebuild
from infra.engine.books import LEADER_LOCK
from infra.engine.engine import SESSION
from infra.engine.fold import SQL
from infra.engine.tables import statements_of
from infra.failure import Failure
from infra.postgres import Rows, connect
from projections import PROJECTIONS, Projection, queue
from tests.databases import Database
from tests.integration.engine.given import (
    T0,
    Told,
    World,
    case_id,
    clock,
    filed,
    hours,
    ordered,
    shipped,
)
from tests.integration.engine.test_suppliers import complaint, liable
from tests.integration.postgres.test_prepared import numbered

ROOT = Path(__file__).resolve().parents[3]
WITHIN = 15.0  # seconds; generous: the machine may be busy


def some_events(number: int) -> list[Told]:
    name, order = f"C{number}", f"O{number}"
    told = [
        ordered(order, product=f"P{number % 3}"),
        shipped(order, units=2),
        *complaint(name, order, buyer=f"b{number % 5}"),
        clock(name, ClockName.FIRST_RESPONSE, T0 + hours(number)),
        clock(name, ClockName.PROGRESS_UPDATE, T0 + hours(24)),
    ]
    if number % 2:
        told.append(liable(name))
    return told


def dump(world: World, projections: tuple[Projection, ...] = PROJECTIONS) -> dict[str, Any]:
    """Every row of every read model."""
    return {projection.name: world.table(projection.table) for projection in projections}


def rebuilt(world: World) -> dict[str, Any]:
    """Every row after building all read models anew beside the old ones."""
    higher = tuple(replace(p, version=p.version + 1000) for p in PROJECTIONS)
    world.project(higher, page=7)
    return dump(world, higher)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def in_queue(world: World, name: str) -> Callable[[], bool]:
    return lambda: case_id(name) in world.order_of_queue(T0)


@contextlib.contextmanager
def running(world: World, **options: Any) -> Generator[Engine]:
    engine = Engine(world.url, **options)
    stop = threading.Event()
    thread = threading.Thread(target=engine.run, args=(stop,))
    thread.start()
    try:
        until(lambda: bool(world.rows("select to_regclass('live_queue') as v")[0]["v"]))
        yield engine
    finally:
        stop.set()
        thread.join(WITHIN)
        assert not thread.is_alive()


def backends(world: World) -> list[int]:
    rows = world.rows(
        "select pid from pg_stat_activity"
        " where application_name = 'casetrail projections' and datname = current_database()"
    )
    return [row["pid"] for row in rows]


def test_a_commit_is_projected_at_once_by_its_notice(world: World) -> None:
    with running(world, poll=60.0):
        world.given(filed("A"))
        until(in_queue(world, "A"))


def test_a_lost_notice_costs_at_most_the_poll_interval(world: World) -> None:
    with running(world, poll=0.5), closing(connect(world.url)) as conn:
        stored = world.log.mapper.to_stored_event(world.pending(*filed("A")))
        conn.execute(
            "insert into stored_events (notification_id, originator_id, originator_version, kind,"
            " topic, recorded_at, state) values (1, %s, 1, 1, %s, now(), %s)",
            (stored.originator_id, stored.topic, stored.state),
        )
        conn.commit()
        until(in_queue(world, "A"))


def test_a_killed_connection_is_opened_again(world: World) -> None:
    with running(world, poll=60.0):
        for number in range(3):
            world.rows(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'casetrail projections'"
                " and datname = current_database()"
            )
            world.given(filed(f"A{number}"))
            until(in_queue(world, f"A{number}"))


def test_killed_between_pages_it_goes_on_where_it_was(world: World) -> None:
    for number in range(60):
        world.given(*some_events(number))
    chance = random.Random(7)
    command = [sys.executable, "-m", "tests.integration.engine.follower", world.url, "3"]
    done = False
    for _ in range(6):
        with subprocess.Popen(command, cwd=ROOT) as process:
            try:
                began = time.monotonic()
                before = position(world)
                while position(world) == before and time.monotonic() - began < WITHIN:
                    time.sleep(0.005)
                time.sleep(chance.random() / 10)
            finally:
                process.kill()
        done = done or 0 < position(world) < world.log.head()
    assert done, "it was never killed half-way"
    world.project()
    assert dump(world) == rebuilt(world)


def position(world: World) -> int:
    with closing(connect(world.url)) as conn:
        status = read_status(conn)
    return min((one.position for one in status), default=0)


def test_two_engines_that_both_think_they_lead_project_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leads(_engine: Engine, _conn: Rows) -> bool:
        return True

    monkeypatch.setattr(Engine, "_try_lead", leads)
    for number in range(40):
        world.given(*some_events(number))
    with running(world, page=3, poll=0.1), running(world, page=4, poll=0.1):
        until(lambda: position(world) == world.log.head())
    read = {row["projected"] for row in world.rows("select projected from projections")}
    assert read == {world.log.head()}
    assert dump(world) == rebuilt(world)


def test_a_leader_that_was_overtaken_starts_over_from_what_the_other_wrote(world: World) -> None:
    world.given(*some_events(1))
    old, new = Engine(world.url, page=2), Engine(world.url, page=2)
    with old.session() as its, new.session() as other:
        assert old.step(its)
        while new.step(other):
            pass
        world.given(*some_events(2))
        assert new.step(other)
        while old.step(its):
            pass
    assert dump(world) == rebuilt(world)


def test_a_second_engine_takes_over_when_the_leader_is_gone(world: World) -> None:
    with running(world, poll=0.1):
        until(lambda: len(backends(world)) == 1)
        (leader,) = backends(world)
        with running(world, poll=0.1):
            until(lambda: len(backends(world)) == 2)
            assert held_by(world) == [leader]
            world.rows(f"select pg_terminate_backend({leader})")
            until(lambda: held_by(world) not in ([], [leader]))
            world.given(filed("A"))
            until(in_queue(world, "A"))


def held_by(world: World) -> list[int]:
    rows = world.rows(
        "select l.pid from pg_locks l join pg_stat_activity a using (pid)"
        " where l.locktype = 'advisory' and l.granted and a.datname = current_database()"
        " and (classid::bigint << 32 | objid::bigint) = %(key)s",
        key=LEADER_LOCK,
    )
    return [row["pid"] for row in rows]


@pytest.mark.parametrize("page", [1, 5, 1000])
def test_the_rows_do_not_depend_on_how_the_log_is_cut_into_pages(world: World, page: int) -> None:
    for number in range(12):
        world.given(*some_events(number))
        if number % 4 == 0:
            world.project(page=page)
    world.project(page=page)
    assert dump(world) == rebuilt(world)


# ------------------------------------------------- failing and new versions


def test_a_read_model_that_stands_still_says_so_while_the_others_go_on(world: World) -> None:
    world.given(filed("A"), clock("A", ClockName.FIRST_RESPONSE, T0)).project()
    table = queue.PROJECTION.table
    world.rows(f"alter table {table} rename to gone")
    world.given(filed("B"), clock("B", ClockName.FIRST_RESPONSE, T0))
    with pytest.raises(Behind, match=table):
        world.project()
    with closing(connect(world.url)) as conn:
        found = {one.name: (one.behind, one.error, one.parked) for one in read_status(conn)}
    assert found.pop(table) == (
        2,
        f'UndefinedTable: relation "{table}" does not exist',
        0,
    )
    assert set(found.values()) == {(0, None, 0)}
    world.rows(f"alter table gone rename to {table}")
    world.project()
    assert world.order_of_queue(T0) == [case_id("A"), case_id("B")]
    with closing(connect(world.url)) as conn:
        assert {one.error for one in read_status(conn)} == {None}


def test_a_table_that_somebody_locks_holds_up_no_other_and_comes_back_by_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SESSION, "lock_timeout", "100ms")
    world.given(filed("A")).project()
    table = queue.PROJECTION.table

    def told() -> dict[str, tuple[int, str | None, int]]:
        with closing(connect(world.url)) as conn:
            return {one.name: (one.behind, one.error, one.parked) for one in read_status(conn)}

    def stands_alone() -> bool:
        found = told()
        behind, error, parked = found.pop(table)
        return set(found.values()) == {(0, None, 0)} and (behind, parked) == (1, 0) and bool(error)

    with running(world, poll=0.05):
        with closing(connect(world.url)) as holder:
            holder.execute(f"lock table {table} in share mode".encode())
            world.given(filed("B"))
            until(stands_alone)
            assert "lock timeout" in (told()[table][1] or "")
        until(in_queue(world, "B"))
        assert set(told().values()) == {(0, None, 0)}


def test_a_table_whose_statements_take_too_long_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SESSION, "statement_timeout", "300ms")
    world.given(filed("A")).project()
    table = queue.PROJECTION.table
    with closing(connect(world.url)) as holder:
        holder.execute(f"lock table {table} in share mode".encode())
        world.given(filed("B"))
        with pytest.raises(Behind, match=f"The read models {table} are behind"):
            world.project()
    world.project()
    assert world.order_of_queue(T0) == [case_id("A"), case_id("B")]
    assert world.rows("select * from parked") == []


def test_a_higher_version_is_built_aside_and_then_read(world: World) -> None:
    for number in range(5):
        world.given(*some_events(number))
    world.project()
    before = world.queue(T0)
    higher = tuple(replace(p, version=p.version + 1) for p in PROJECTIONS)
    engine = Engine(world.url, higher, page=10)
    with engine.session() as conn:
        engine.step(conn)
        assert world.queue(T0) == before
        while engine.step(conn):
            pass
    assert world.queue(T0) == before
    names = {row["name"] for row in world.rows("select name from projections")}
    assert names == {projection.table for projection in higher}
    with pytest.raises(psycopg.errors.UndefinedTable):
        world.rows(f"select * from {queue.PROJECTION.table}")


def test_views_that_changed_are_swapped_without_building_anew(world: World) -> None:
    world.given(filed("A")).project()
    world.rows("update projection_readers set digest = 'old' returning digest")
    world.project()
    assert world.rows("select digest from projection_readers") != [{"digest": "old"}]
    assert world.order_of_queue(T0) == [case_id("A")]


def test_a_view_that_somebody_holds_is_swapped_later(world: World) -> None:
    world.given(filed("A")).project()
    world.rows("update projection_readers set digest = 'old' returning digest")
    with closing(connect(world.url)) as reader:
        reader.execute("select * from live_queue")
        with pytest.raises(Behind):
            world.project()
    world.project()


@dataclass(frozen=True)
class Later(Projection):
    """A read model of a later program, whose statements stand in another folder."""

    folder: Path = ROOT

    @property
    def sql(self) -> tuple[Path, ...]:
        return tuple(sorted(self.folder.iterdir()))


def with_views_changed(change: Callable[[str], str], folder: Path) -> tuple[Projection, ...]:
    """The read models of a later program, whose SQL of the queue differs."""
    for path in queue.PROJECTION.sql:
        text = path.read_text(encoding="utf-8")
        (folder / path.name).write_text(change(text), encoding="utf-8")
    now = {field.name: getattr(queue.PROJECTION, field.name) for field in fields(Projection)}
    later = Later(**now, folder=folder)
    return tuple(later if one is queue.PROJECTION else one for one in PROJECTIONS)


def with_other_words(text: str) -> str:
    return text.replace("Place in the queue of all shops, from 1.", "Place in the queue.")


def with_a_column_more(text: str) -> str:
    """At the end of live_queue: of the function that gives its rows, too."""
    text = text.replace(
        "owed numeric, refunded numeric\n)", "owed numeric, refunded numeric, e int\n)"
    )
    return text.replace("q.currency, q.owed, q.refunded\n", "q.currency, q.owed, q.refunded, 1\n")


def with_an_argument_more(text: str) -> str:
    return text.replace(
        "counted bigint default 1000", "counted bigint default 1000, e int default 1"
    )


def without_a_column(text: str) -> str:
    text = text.replace("currency text, owed numeric, refunded", "owed numeric, refunded")
    text = text.replace("q.currency, q.owed, q.refunded\n", "q.owed, q.refunded\n")
    return re.sub("comment on column live_queue.currency .*\n", "", text)


@pytest.fixture
def theirs(world: World, database: Database) -> Generator[World]:
    """The queue, with views and rights that a team of the merchant's made on it."""
    world.given(filed("A")).project()
    role = f"bi_{database.name}"
    with closing(connect(database.admin_url, autocommit=True)) as admin:
        for text in (
            "create role {}",
            "grant select on live_queue, sla_breaches to {}",
            "grant execute on function queue_page_at to {}",
            "create view bi_mine as select case_id, slack, refunded from live_queue",
            "create view bi_slow as select * from bi_mine where slack is null",
        ):
            admin.execute(sql.SQL(text).format(sql.Identifier(role)))
        try:
            yield world
        finally:
            admin.execute(sql.SQL("drop owned by {}").format(sql.Identifier(role)))
            admin.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def what_is_theirs(database: Database) -> tuple[object, ...] | None:
    """How many rows their views have, and whether they may still read ours."""
    query = (
        "select count(b.case_id), (select count(*) from bi_slow),"
        " has_table_privilege(r.oid, 'live_queue', 'select')"
        " and has_table_privilege(r.oid, 'sla_breaches', 'select')"
        " and exists (select from pg_proc p, aclexplode(p.proacl) x"
        " where proname = 'queue_page_at' and x.grantee = r.oid)"
        " from pg_roles r, bi_mine b where r.rolname = 'bi_' || current_database() group by r.oid"
    )
    with closing(connect(database.admin_url, autocommit=True)) as admin:
        return admin.execute(query).fetchone()


@pytest.mark.parametrize("change", [with_other_words, with_a_column_more, with_an_argument_more])
def test_views_and_rights_of_others_stay_when_ours_change(
    theirs: World, database: Database, change: Callable[[str], str], tmp_path: Path
) -> None:
    later = with_views_changed(change, tmp_path)
    theirs.project(later)
    assert what_is_theirs(database) == (1, 1, True)
    (row,) = theirs.queue(T0)
    assert ("e" in row) == (change is with_a_column_more)
    (page,) = theirs.rows("select count(*) from queue_page_at(statement_timestamp())")
    assert page == {"count": 1}


def test_views_are_not_swapped_while_one_of_others_needs_what_is_no_more(
    theirs: World, database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    later = with_views_changed(without_a_column, tmp_path)
    with pytest.raises(Behind):
        theirs.project(later)
    assert what_is_theirs(database) == (1, 1, True)
    assert "view bi_mine depends on view live_queue" in caplog.text
    with closing(connect(theirs.url, autocommit=True)) as conn:
        errors = {one.error for one in read_status(conn)}
    assert all("bi_mine" in (error or "") for error in errors), errors
    with closing(connect(database.admin_url, autocommit=True)) as admin:
        admin.execute("drop view bi_mine cascade")
    theirs.project(later)
    (row,) = theirs.queue(T0)
    assert "currency" not in row
    with closing(connect(theirs.url, autocommit=True)) as conn:
        assert {one.error for one in read_status(conn)} == {None}
        role = f"bi_{database.name}"
        granted = "select has_table_privilege(%s, 'live_queue', 'select')"
        assert conn.execute(granted, (role,)).fetchone() == (True,)


# ------------------------------------------------------- what stands written


def test_every_statement_of_the_read_models_can_be_prepared(world: World) -> None:
    world.project()
    with closing(connect(world.url, autocommit=True)) as conn:
        for projection in PROJECTIONS:
            statements = statements_of(projection)
            assert {"create_table", "upsert_rows", "delete_rows", "create_readers"} <= {*statements}
            for name, text in statements.items():
                if not name.startswith("create_"):
                    check_prepares(conn, text)


def check_prepares(conn: Rows, text: str) -> None:
    result = conn.pgconn.prepare(b"", numbered(text).encode())
    assert result.error_message == b"", result.error_message.decode()


def test_a_page_is_found_by_its_kinds_index(world: World) -> None:
    world.given(*(event for number in range(50) for event in some_events(number)))
    with closing(connect(world.url)) as conn:
        conn.execute("set enable_seqscan = off")
        wanted = {"kinds": [1, 2], "after": 0, "upto": 10**9, "limit": 100}
        plan = conn.execute(b"explain " + SQL["select_page"].encode(), wanted).fetchall()
    assert any("stored_events_by_kind" in line for (line,) in plan)


def test_streams_are_read_without_a_walk_along_the_log(world: World) -> None:
    world.given(*(event for number in range(300) for event in some_events(number)))
    asked = {"first": "case:", "last": "case:douyin:s1:C2", "upto": 10**9, "streams": ["case:a"]}
    with closing(connect(world.url)) as conn:
        conn.execute("set enable_seqscan = off")
        for name in ("select_part", "select_streams"):
            plan = str(conn.execute(b"explain " + SQL[name].encode(), asked).fetchall())
            assert "originator_id_originator_version_key" in plan
            assert "stored_events_pkey" not in plan


def test_a_rebuild_whose_views_somebody_needs_otherwise_ends_and_says_so(
    theirs: World, database: Database, tmp_path: Path
) -> None:
    theirs.project(with_views_changed(with_a_column_more, tmp_path))
    with closing(connect(database.admin_url, autocommit=True)) as admin:
        admin.execute("create view bi_more as select e from live_queue")
    with pytest.raises(Failure, match="bi_more"):
        rebuild(theirs.url, queue.PROJECTION, workers=1)
    assert what_is_theirs(database) == (1, 1, True)


def test_every_view_and_column_says_what_it_means(world: World) -> None:
    world.project()
    silent = world.rows(
        """
        select c.relname, a.attname
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum >= 0
        where c.relnamespace = current_schema()::regnamespace and c.relkind = 'v'
          and a.attnum > 0 and not a.attisdropped
          and (col_description(c.oid, a.attnum) is null or obj_description(c.oid) is null)
        """
    )
    assert silent == []
