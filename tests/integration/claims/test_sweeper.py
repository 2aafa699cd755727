"""Claims that lapsed are ended as events, whatever became of those who held them."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from typing import Any

from domain.case.commands import RenewClaim
from domain.kernel import Actor, ActorKind, Role
from infra.claims import Claim, Claims, Sweeper
from infra.ops.lags import claim_lags
from infra.postgres import connect
from tests.databases import Database
from tests.support.claim_history import read_history
from tests.support.hindered import read_only
from tests.support.published import eventually
from tests.support.queue import complaint, fill, procedure, rows
from tests.support.store import Store, ask
from tests.support.workers import running

CLAIMING = """
import sys, time
from infra.claims import Claims
from tests.support.store import open_store
with open_store(sys.argv[1]) as store:
    print(Claims(store.datastore, store.pipeline).claim_next("li").case_id, flush=True)
    time.sleep(600)
"""


def sweeper(store: Store, **more: Any) -> Sweeper:
    return Sweeper(store.datastore, store.pipeline, **more)


def lapsed(store: Store) -> list[tuple[datetime, datetime]]:
    """When each claim lapsed, and when that was recorded."""
    return [
        (record.stamp.occurred_at, record.recorded_at)
        for record in store.log.tail(0, 10_000)
        if record.stored_topic == "case.claim_lapsed.v1"
    ]


def wait_until(moment: datetime, url: str) -> None:
    """By the database's clock."""
    eventually(lambda: bool(rows(url, "select 1 where clock_timestamp() > %(at)s", at=moment)))


def test_the_lease_of_a_killed_agent_is_freed_without_its_help(
    store: Store, database_url: str
) -> None:
    fill(store, database_url, [procedure(lease_seconds=2), complaint("A"), complaint("B")])
    run = [sys.executable, "-c", CLAIMING, database_url]
    with subprocess.Popen(run, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        case = child.stdout.readline().strip()
        child.kill()
    with running(sweeper(store)):
        eventually(lambda: bool(lapsed(store)))
    (freed,) = lapsed(store)
    assert freed[0] < freed[1]
    assert rows(database_url, "select 1 from leases") == []
    again = Claims(store.datastore, store.pipeline).claim_next("chen")
    assert isinstance(again, Claim)
    assert (again.case_id, again.token) == (case, 2)
    assert read_history(database_url, capacity=10).wrong == []


def test_only_what_has_lapsed_is_ended_and_only_once(store: Store, database_url: str) -> None:
    some = [complaint(name) for name in ("A", "B")]
    fill(store, database_url, [procedure(lease_seconds=1), *some])
    claims = Claims(store.datastore, store.pipeline)
    first, second = claims.claim_next("li"), claims.claim_next("li")
    assert isinstance(first, Claim)
    assert isinstance(second, Claim)
    longer = procedure("longer", lease_seconds=600)
    by = Actor(kind=ActorKind.PERSON, id="li", role=Role.AGENT)
    renewal = ask(RenewClaim(case_id=second.case_id), "renew", by=by, claim_token=second.token)
    answers = store.pipeline.submit([longer, renewal])
    assert all(answer.accepted for answer in answers), answers
    wait_until(first.until, database_url)
    with connect(database_url, autocommit=True) as conn:
        (lag,) = claim_lags(conn)
        assert lag.waiting == 1
    for worker in (sweeper(store), sweeper(store)):
        worker.catch_up()
    assert [at for at, _ in lapsed(store)] == [first.until]
    (kept,) = rows(database_url, "select stream, agent from leases")
    assert kept == {"stream": f"case:{second.case_id}", "agent": "li"}


def test_sweepers_at_the_same_time_end_a_claim_once(store: Store, database_url: str) -> None:
    some = [complaint(f"A{n}") for n in range(40)]
    fill(store, database_url, [procedure(lease_seconds=1, agent_capacity=40), *some])
    claims = Claims(store.datastore, store.pipeline)
    for _ in some:
        assert isinstance(claims.claim_next("li"), Claim)
    with running(*(sweeper(store, every=0.05) for _ in range(4))):
        eventually(lambda: not rows(database_url, "select 1 from leases"))
    assert len(lapsed(store)) == len(some)
    assert read_history(database_url, capacity=40).wrong == []


def test_a_sweeper_goes_on_when_its_connections_were_cut(store: Store, database_url: str) -> None:
    fill(store, database_url, [procedure(lease_seconds=1), complaint("A")])
    worker = sweeper(store, every=0.05)
    with running(worker):
        claim = Claims(store.datastore, store.pipeline).claim_next("li")
        assert isinstance(claim, Claim)
        cut_all(database_url)
        eventually(lambda: not rows(database_url, "select 1 from leases"))
    assert len(lapsed(store)) == 1


def test_a_sweeper_waits_for_a_database_that_only_reads_and_goes_on_by_itself(
    store: Store, database: Database
) -> None:
    fill(store, database.url, [procedure(lease_seconds=1), complaint("A")])
    claim = Claims(store.datastore, store.pipeline).claim_next("li")
    assert isinstance(claim, Claim)
    worker = sweeper(store, every=0.05)
    with running(worker):
        with read_only(database):
            # Not only of the sessions that ended.
            eventually(lambda: "read-only" in worker.activity.snapshot().error)
        eventually(lambda: not rows(database.url, "select 1 from leases"))
    assert len(lapsed(store)) == 1


def cut_all(url: str) -> None:
    with connect(url, autocommit=True) as conn:
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
