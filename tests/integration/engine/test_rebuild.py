"""A read model is built anew beside the live one, through kills and under load, and swapped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest

from domain.case import events as ev
from domain.sla.events import ClockName
from infra.engine import (
    Behind,
    BuildFailed,
    Progress,
    Rebuilt,
    Unfinished,
    drop_old,
    rebuild,
    verify,
)
from infra.engine.tables import make_table
from infra.failure import Failure
from infra.postgres import connect
from projections import PROJECTIONS, Projection, queue, shipped_units
from tests.databases import Database
from tests.integration.engine.given import (
    T0,
    World,
    case_id,
    clock,
    filed,
    hours,
    on_case,
    ordered,
    shipped,
)
from tests.integration.engine.test_engine import (
    ROOT,
    WITHIN,
    dump,
    rebuilt,
    running,
    some_events,
    until,
)
from tests.integration.engine.test_quarantine import TOO_MANY, skip, strict, where
from tests.integration.engine.test_suppliers import complaint

module = sys.modules["infra.engine.rebuild"]

EVERY = pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda p: p.name)


def live(world: World, projection: Projection) -> str:
    (row,) = world.rows(
        "select name from projections where name like %(like)s and standing = 'live'",
        like=f"{projection.table}%",
    )
    return str(row["name"])


@EVERY
def test_what_was_built_has_the_indexes_of_what_was_there(
    world: World, projection: Projection
) -> None:
    def indexes(table: str) -> list[str]:
        found = world.rows(
            "select replace(indexdef, tablename, '') as made from pg_indexes"
            " where tablename = %(table)s",
            table=table,
        )
        return sorted(row["made"] for row in found)

    world.given(*some_events(1)).project()
    before = indexes(live(world, projection))
    done = rebuild(world.url, projection)
    assert indexes(done.table) == before


def test_what_is_built_aside_is_row_by_row_what_was_there(world: World) -> None:
    for number in range(20):
        world.given(*some_events(number))
    world.project(page=7)
    before = dump(world)
    for projection in PROJECTIONS:
        done = rebuild(world.url, projection)
        assert done.table == live(world, projection) == f"{projection.table}_g2"
        assert done.kept == [projection.table]
        assert done.parked == []
        assert world.table(done.table) == before[projection.name]
    assert dump(world) == before
    for number in range(20, 24):
        world.given(*some_events(number))
    world.project()
    for projection in PROJECTIONS:
        checked = verify(world.url, projection)
        assert (checked.count, checked.position) == (0, world.log.head())
        assert drop_old(world.url, projection) == [projection.table]
    assert standings(world) == ["live"] * len(PROJECTIONS)
    assert len(world.order_of_queue(T0)) == 24
    world.project()


def test_a_second_rebuild_gets_a_number_of_its_own(world: World) -> None:
    world.given(filed("A")).project()
    rebuild(world.url, queue.PROJECTION)
    done = rebuild(world.url, queue.PROJECTION)
    assert done.table == f"{queue.PROJECTION.table}_g3"
    assert len(done.kept) == 2
    assert len(drop_old(world.url, queue.PROJECTION)) == 2
    assert world.order_of_queue(T0) == [case_id("A")]


def test_of_an_empty_log_an_empty_read_model_is_built(world: World) -> None:
    for projection in PROJECTIONS:
        rebuild(world.url, projection)
    assert world.order_of_queue(T0) == []


@contextlib.contextmanager
def reading(world: World) -> Generator[list[object]]:
    """Someone who asks for the queue again and again; what went wrong, or lacked case A."""
    wrong: list[object] = []
    stop = threading.Event()

    def read() -> None:
        with closing(connect(world.url, autocommit=True)) as conn:
            while not stop.is_set():
                try:
                    found = conn.execute("select case_id from live_queue", prepare=True).fetchall()
                    if (case_id("A"),) not in found:
                        wrong.append(found)
                except psycopg.Error as e:
                    wrong.append(e)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield wrong
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@contextlib.contextmanager
def loading(world: World) -> Generator[None]:
    stop = threading.Event()

    def load() -> None:
        number = 1_000
        while not stop.is_set():
            number += 1
            world.given(*some_events(number))

    thread = threading.Thread(target=load)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_readers_and_writers_notice_nothing_of_a_rebuild(world: World) -> None:
    world.given(filed("A"), *(one for n in range(100) for one in some_events(n)))
    with running(world, poll=0.05), loading(world), reading(world) as wrong:
        for projection in (queue.PROJECTION, shipped_units.PROJECTION, queue.PROJECTION):
            done = rebuild(world.url, projection)
            assert done.swap_seconds < 1.0
            assert verify(world.url, projection).count == 0
    assert wrong == []
    world.project()
    assert {p.name: world.table(live(world, p)) for p in PROJECTIONS} == rebuilt(world)


def test_catching_up_ends_although_others_write_without_end(world: World) -> None:
    world.given(filed("A"))
    with loading(world):
        until(lambda: world.log.head() > 10)
        world.project(page=1)
    assert case_id("A") in world.order_of_queue(T0)


def test_a_reader_who_holds_a_view_puts_the_swap_off_and_is_not_held_up(world: World) -> None:
    world.given(filed("A")).project()
    done: list[Rebuilt] = []
    with closing(connect(world.url)) as reader:
        reader.execute("select * from open_cases")
        thread = threading.Thread(target=lambda: done.append(rebuild(world.url, queue.PROJECTION)))
        thread.start()
        until(lambda: "joining" in standings(world))
        for _ in range(20):
            assert world.order_of_queue(T0) == [case_id("A")]
        assert done == []
        assert "joining" in standings(world)
    thread.join()
    assert done[0].table == live(world, queue.PROJECTION)


def keeps_its_moment(url: str) -> closing[psycopg.Connection]:
    """A report that has read something already."""
    conn = connect(url)
    conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    conn.execute("select count(*) from sla_clocks")
    return closing(conn)


@pytest.mark.parametrize("whose", ["url", "admin_url"])
def test_a_report_that_keeps_its_moment_sees_all_rows_and_puts_the_swap_off(
    world: World, database: Database, whose: str
) -> None:
    """Whoever reads: the application, or a role of which it may not see what it does."""
    world.given(*(filed(f"C{n}") for n in range(20))).project()
    done: list[Rebuilt] = []
    waits: list[tuple[int, ...]] = []

    def run() -> None:
        def watch(progress: Progress) -> None:
            waits.append(progress.readers)

        done.append(rebuild(world.url, queue.PROJECTION, workers=1, watch=watch))

    thread = threading.Thread(target=run)
    with keeps_its_moment(getattr(database, whose)) as report:
        thread.start()
        until(lambda: (report.info.backend_pid,) in waits)
        later = keeps_its_moment(getattr(database, whose))
        assert report.execute("select count(*) from live_queue").fetchall() == [(20,)]
        assert (done, "joining" in standings(world)) == ([], True)
    # One that began after the table was filled is not waited for: there may always be some.
    with later as report:
        thread.join(WITHIN)
        assert done[0].table == live(world, queue.PROJECTION)
        assert report.execute("select count(*) from live_queue").fetchall() == [(20,)]
    assert len(world.order_of_queue(T0)) == 20


def standings(world: World) -> list[str]:
    return [row["standing"] for row in world.rows("select standing from projections")]


def rebuilder(world: World, workers: int = 2) -> subprocess.Popen[bytes]:
    code = (
        "import sys; from infra.engine import rebuild; from projections import queue;"
        "import infra.engine.rebuild; sys.modules['infra.engine.rebuild'].PART = 10;"
        f"rebuild(sys.argv[1], queue.PROJECTION, workers={workers})"
    )
    return subprocess.Popen([sys.executable, "-c", code, world.url], cwd=ROOT)


def parts_done(world: World) -> int:
    (row,) = world.rows("select count(*) as n from rebuild_parts where done")
    return int(row["n"])


def test_killed_half_way_it_goes_on_where_it_was(world: World) -> None:
    world.given(*(one for n in range(400) for one in some_events(n))).project()
    with rebuilder(world) as process:
        until(lambda: parts_done(world) > 2)
        process.send_signal(signal.SIGKILL)
    until(
        lambda: (
            not world.rows(
                "select from pg_stat_activity where application_name = 'casetrail rebuild'"
                " and datname = current_database()"
            )
        )
    )
    (row,) = world.rows("select count(*) as n from rebuild_parts")
    assert 2 < (before := parts_done(world)) < row["n"], "it was killed half-way"
    marked = world.rows("select part, xmin::text from rebuild_parts where done")
    started: list[int] = []
    done = rebuild(world.url, queue.PROJECTION, watch=lambda p: started.append(p.done))
    assert started[0] > 0, f"{before} parts are not done again"
    kept = world.rows("select part, xmin::text from rebuild_parts where done")
    assert [one for one in marked if one not in kept] == []
    assert done.table == f"{queue.PROJECTION.table}_g2"
    assert verify(world.url, queue.PROJECTION).count == 0


def test_killed_before_the_swap_it_goes_on_with_what_follows_already(world: World) -> None:
    world.given(filed("A")).project()
    with closing(connect(world.url)) as reader:
        reader.execute("select * from open_cases")
        with rebuilder(world) as process:
            until(lambda: "joining" in standings(world))
            process.send_signal(signal.SIGKILL)
    world.given(filed("B")).project()
    done = rebuild(world.url, queue.PROJECTION)
    assert done.table == f"{queue.PROJECTION.table}_g2"
    assert sorted(standings(world)) == ["kept", *["live"] * len(PROJECTIONS)]
    assert world.order_of_queue(T0) == [case_id("A"), case_id("B")]


def test_a_new_version_can_be_built_by_a_rebuild_as_well(world: World) -> None:
    older = replace(queue.PROJECTION, version=queue.VERSION - 1)
    before = tuple(older if p is queue.PROJECTION else p for p in PROJECTIONS)
    for number in range(10):
        world.given(*some_events(number))
    world.project(before)
    seen = world.queue(T0)
    done = rebuild(world.url, queue.PROJECTION)
    assert done.table == f"{queue.PROJECTION.table}_g2" == live(world, queue.PROJECTION)
    assert world.queue(T0) == seen
    assert world.rows("select to_regclass(%(old)s) as old", old=older.table) == [{"old": None}]
    assert verify(world.url, queue.PROJECTION).count == 0


def test_a_process_that_is_killed_leaves_the_rest_to_be_gone_on_with(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PART", 10)
    world.given(*(one for n in range(200) for one in some_events(n))).project()

    def kill_one(progress: object) -> None:
        for pid in children():
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(Unfinished, match="run it again"):
        rebuild(world.url, queue.PROJECTION, watch=kill_one, workers=2)
    assert standings(world).count("building") == 1
    rebuild(world.url, queue.PROJECTION)
    assert verify(world.url, queue.PROJECTION).count == 0


def children() -> list[int]:
    listed = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", "infra.engine.build"],
        check=False,
        capture_output=True,
        text=True,
    )
    return [int(pid) for pid in listed.stdout.split()]


def test_two_rebuilds_at_a_time_are_refused(world: World) -> None:
    world.given(filed("A")).project()
    with module.alone(world.url, queue.PROJECTION), pytest.raises(Failure, match="under way"):
        rebuild(world.url, queue.PROJECTION)


# -------------------------------------------------------------------- poison


@EVERY
def test_a_rebuild_with_poison_events_ends_and_says_which(
    world: World, projection: Projection
) -> None:
    for name in ("A", "B", "C"):
        world.given(ordered(f"O{name}"), shipped(f"O{name}"), *complaint(name, f"O{name}"))
    world.spoil(f"case:{case_id('B')}")
    world.given(shipped("OB", parcel="p2"), clock("C", ClockName.FIRST_RESPONSE, T0))
    world.spoil("order:douyin:s1:OC")
    world.given(on_case("C", ev.NoteAdded())).project()
    before, at = world.table(live(world, projection)), where(world)
    done = rebuild(world.url, projection)
    assert [(one.stream, one.position) for one in done.parked] == [
        one[1:] for one in at if one[0] == projection.name
    ]
    assert world.table(done.table) == before
    assert where(world) == at
    assert verify(world.url, projection).count == 0


def test_a_read_model_that_stands_still_is_replaced_by_a_rebuild(world: World) -> None:
    for number in range(15):
        world.given(ordered(f"O{number}"), shipped(f"O{number}", units=TOO_MANY))
    strict(world)
    with pytest.raises(Behind):
        world.project()
    assert world.rows("select units from shipped_units") == []
    rebuild(world.url, shipped_units.PROJECTION)
    assert world.rows("select sum(units)::int as units from shipped_units") == [
        {"units": 15 * TOO_MANY}
    ]
    world.given(filed("A")).project()


def test_skipped_events_are_left_out_of_a_rebuild(world: World) -> None:
    world.given(filed("A"))
    bad = world.spoil(f"case:{case_id('A')}")
    world.given(clock("A", ClockName.FIRST_RESPONSE, T0)).project()
    skip(world, "queue", bad)
    assert verify(world.url, queue.PROJECTION).count == 0
    assert rebuild(world.url, queue.PROJECTION).parked == []


def test_nothing_is_skipped_while_parts_are_built_that_would_not_know(world: World) -> None:
    world.given(filed("A"))
    bad = world.spoil(f"case:{case_id('A')}")
    world.project()
    with connect(world.url, autocommit=True) as conn:
        make_table(conn, queue.PROJECTION, f"{queue.PROJECTION.table}_g2", "building", bad)
    with pytest.raises(Failure, match="skip when that has ended"):
        skip(world, "queue", bad)
    rebuild(world.url, queue.PROJECTION, anew=True)
    assert skip(world, "queue", bad) == []


def test_a_rebuild_that_would_park_too_many_ends_and_leaves_nothing(world: World) -> None:
    world.given(*(filed(f"C{n}") for n in range(30))).project()
    for number in range(21):
        world.spoil(f"case:{case_id(f'C{number}')}")
    with pytest.raises(BuildFailed, match="more than 20"):
        rebuild(world.url, queue.PROJECTION)
    assert set(standings(world)) == {"live"}
    assert len(world.order_of_queue(T0)) == 30


# -------------------------------------------------------------------- verify


def test_a_row_that_is_wrong_missing_or_too_many_is_shown(world: World) -> None:
    world.given(*(filed(f"C{n}", T0 + hours(n)) for n in range(5))).project()
    table = queue.PROJECTION.table
    world.rows(f"update {table} set severity = 2 where case_id = '{case_id('C1')}'")
    world.rows(f"delete from {table} where case_id = '{case_id('C2')}'")
    checked = verify(world.url, queue.PROJECTION)
    assert (checked.count, checked.rows) == (3, 4)
    assert [(one.live, one.row["case_id"], one.row["severity"]) for one in checked.differences] == [
        (True, case_id("C1"), 2),
        (False, case_id("C1"), 0),
        (False, case_id("C2"), 0),
    ]
    assert standings(world) == ["live"] * len(PROJECTIONS)


def test_a_stream_that_only_one_side_has_parked_is_a_difference(world: World) -> None:
    world.given(filed("A")).project()
    world.rows(
        f"insert into parked_streams (name, stream, position, error)"
        f" values ('{queue.PROJECTION.table}', 'case:{case_id('A')}', 9, 'test')"
    )
    (one,) = verify(world.url, queue.PROJECTION).differences
    assert one.row == {"stream": f"case:{case_id('A')}", "parked_from": 9}
