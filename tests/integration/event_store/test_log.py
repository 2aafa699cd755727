"""The log in a real PostgreSQL: positions, order, immutability, reading back."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Generator
from datetime import datetime, timedelta

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError
from psycopg import errors

from domain.budget.events import BudgetSet
from domain.kernel import Kind
from domain.supplier.events import SupplierRegistered
from infra.event_store import NotInLog, Pending, append_events, lock_log
from tests.databases import Database
from tests.support.store import LONG_AGO, Store, envelope, open_store


@pytest.fixture
def store(database_url: str) -> Generator[Store]:
    with open_store(database_url) as opened:
        yield opened


def budget(version: int, limit: int = 100, at: datetime = LONG_AGO) -> Pending:
    event = BudgetSet(limit=limit, currency="CNY")
    return Pending("budget:a:b:c", version, event, envelope(f"m{version}", occurred_at=at))


def supplier(name: str, version: int = 1) -> Pending:
    event = SupplierRegistered(appraisal_hours=1, defect_ppm=None, ships=False)
    return Pending(f"supplier:{name}", version, event, envelope(name))


def put(store: Store, *pending: Pending) -> None:
    store.log.events.put(pending)


def test_positions_follow_commits_and_a_reader_skips_nothing_when_a_slow_writer_commits_late(
    store: Store, database_url: str
) -> None:
    slow = psycopg.connect(database_url)
    lock_log(slow.cursor())
    rows = [store.log.mapper.to_stored_event(supplier("slow", v)) for v in (1, 2)]
    append_events(slow.cursor(), rows)
    fast = threading.Thread(target=put, args=(store, supplier("fast")))
    fast.start()
    seen: list[int] = []
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        seen += [r.position for r in store.log.tail(seen[-1] if seen else 0, 10)]
    assert seen == [], "nothing is committed yet"
    slow.commit()
    slow.close()
    fast.join()
    tail = store.log.tail(0, 10)
    assert [(r.position, r.stream) for r in tail] == [
        (1, "supplier:slow"),
        (2, "supplier:slow"),
        (3, "supplier:fast"),
    ]
    assert tail[1].recorded_at <= tail[2].recorded_at


def test_a_batch_refused_half_way_leaves_nothing(store: Store) -> None:
    put(store, budget(1))
    with pytest.raises(IntegrityError):
        put(store, supplier("a"), budget(2), budget(1))
    assert store.log.head() == 1
    put(store, budget(2))
    assert store.log.head() == 2, "and the refused batch took no positions"


def test_two_processes_on_an_empty_database_number_one_log(database_url: str, store: Store) -> None:
    script = """
import sys
from tests.integration.event_store.test_log import put, supplier
from tests.support.store import open_store
with open_store(sys.argv[1]) as store:
    for n in range(50):
        put(store, supplier(sys.argv[2] + str(n)))
"""
    run = [sys.executable, "-c", script, database_url]
    processes = [subprocess.Popen([*run, name]) for name in "ab"]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert [r.position for r in store.log.tail(0, 1000)] == list(range(1, 101))


def test_recorded_at_never_goes_back_even_when_the_clock_does(
    store: Store, database_url: str
) -> None:
    put(store, supplier("a"))
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "INSERT INTO stored_events SELECT 2, 1, recorded_at + interval '1 hour', kind,"
            " 'supplier:b', topic, state FROM stored_events"
        )
    put(store, supplier("c"))
    first, ahead, last = store.log.tail(0, 10)
    assert ahead.recorded_at == last.recorded_at
    assert last.recorded_at - first.recorded_at == timedelta(hours=1)


def test_a_writer_that_commits_wakes_whoever_listens(store: Store, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("LISTEN stored_events")
        put(store, supplier("a"))
        assert [n.channel for n in conn.notifies(timeout=5, stop_after=1)] == ["stored_events"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET {} = {}",
        "DELETE FROM {}",
        "TRUNCATE {}",
    ],
)
@pytest.mark.parametrize("table", ["stored_events", "answers"])
@pytest.mark.parametrize("as_replica", [False, True])
def test_nobody_changes_what_is_logged_not_even_the_superuser_as_a_replica(
    statement: str, table: str, as_replica: bool, database: Database
) -> None:
    with psycopg.connect(database.admin_url) as conn:
        if as_replica:
            conn.execute("SET session_replication_role = replica")
        text = statement.format(table, "recorded_at", "recorded_at")
        with pytest.raises(errors.RestrictViolation):
            conn.execute(text.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE stored_events DISABLE TRIGGER ALL",
        "ALTER TABLE stored_events ALTER COLUMN state TYPE text USING 'x'",
        "DROP TABLE stored_events",
        "DROP TRIGGER immutable ON stored_events",
        "ALTER FUNCTION refuse_change() RENAME TO change",
        "UPDATE stored_events SET kind = 1",
        "DELETE FROM answers",
    ],
)
def test_the_application_may_add_to_the_log_and_nothing_else(
    statement: str, database_url: str
) -> None:
    with (
        psycopg.connect(database_url) as conn,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        conn.execute(statement.encode())


def test_a_stream_is_read_back_up_to_a_version_a_time_or_what_was_known(store: Store) -> None:
    day = timedelta(days=1)
    put(store, budget(1), budget(2, at=LONG_AGO + day))
    put(store, budget(3, at=LONG_AGO - day))
    whole = store.log.load("budget:a:b:c")
    assert [r.stamp.version for r in whole] == [1, 2, 3]
    assert whole[0].event == BudgetSet(limit=100, currency="CNY")
    assert whole[0].envelope == envelope("m1")
    at = store.log.load("budget:a:b:c", at=LONG_AGO)
    assert [r.stamp.version for r in at] == [1, 3]
    known = store.log.load("budget:a:b:c", known_at=whole[1].recorded_at)
    assert [r.stamp.version for r in known] == [1, 2]
    assert [r.stamp.version for r in store.log.load("budget:a:b:c", version=2)] == [1, 2]


def test_an_unknown_stream_or_version_is_a_clear_error(store: Store) -> None:
    put(store, budget(1))
    with pytest.raises(NotInLog, match="the log holds nothing of case:x"):
        store.log.load("case:x")
    with pytest.raises(NotInLog, match="has no version 7; its last is 1"):
        store.log.load("budget:a:b:c", version=7)


def test_a_reader_of_one_kind_sees_only_that_kind_in_commit_order(store: Store) -> None:
    put(store, supplier("a"), budget(1), supplier("b"), budget(2))
    kinds = (Kind.BUDGET,)
    assert [r.position for r in store.log.tail(0, 10, kinds)] == [2, 4]
    assert [r.position for r in store.log.tail(2, 10, kinds)] == [4]
    both = store.log.tail(0, 3, (Kind.SUPPLIER, Kind.BUDGET))
    assert [r.position for r in both] == [1, 2, 3]


def test_the_library_reads_our_log_by_its_own_interface(store: Store) -> None:
    put(store, supplier("a"), budget(1))
    recorder = store.log.recorder
    assert [n.id for n in recorder.select_notifications(1, 10)] == [1, 2]
    page = recorder.select_notifications(None, 10, topics=[BudgetSet.TOPIC])
    assert [n.id for n in page] == [2]
    assert [e.originator_version for e in recorder.select_events("supplier:a", desc=True)] == [1]
    assert [section.id for section in store.log.notification_log["1,10"].items] == [1, 2]
