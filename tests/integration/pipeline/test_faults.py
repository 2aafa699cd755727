"""Broken connections, stopped writers and others who write in between."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path

import psycopg
import pytest

from domain import decider
from domain.kernel import Command, Context, Emit
from domain.world import World
from infra.event_store import lock_log
from infra.pipeline import Unavailable
from tests.databases import Database
from tests.integration.pipeline.test_answers import Domain
from tests.support.hindered import HINDRANCES, hindered, read_only
from tests.support.proxy import Fault, faulty_proxy
from tests.support.store import (
    AGENT,
    Store,
    open_store,
    place_order,
    publish_window,
    register_supplier,
    set_budget,
    ship_order,
)


@pytest.fixture
def store(database_url: str) -> Generator[Store]:
    with open_store(database_url) as opened:
        yield opened


def answered(url: str) -> list[tuple[str, bool]]:
    with psycopg.connect(url) as conn:
        return conn.execute("SELECT message_id, accepted FROM answers ORDER BY number").fetchall()


# ------------------------------------------------------------------ connections


@pytest.mark.parametrize("fault", [Fault.BEFORE_COMMIT, Fault.AFTER_COMMIT])
def test_a_connection_cut_at_commit_loses_nothing_and_does_nothing_twice(
    fault: Fault, database_url: str, store: Store
) -> None:
    batch = [set_budget("100", "yes"), set_budget("1", "no", by=AGENT), place_order(1)]
    with faulty_proxy(database_url) as proxy, open_store(proxy.url) as through:
        through.pipeline.submit([register_supplier("S1", "before")])
        proxy.break_next = fault
        answers = through.pipeline.submit(batch)
        assert proxy.faults == 1
        assert [(a.accepted, a.position, a.repeat) for a in answers] == [
            (True, 2, False),
            (False, None, False),
            (True, 3, False),
        ]
        assert store.log.head() == 3
        assert answered(database_url) == [("before", True), ("yes", True), ("no", False)]
        (after,) = through.pipeline.submit([set_budget("200", "after")])
        assert after.position == 4


@pytest.mark.parametrize("fault", [Fault.BEFORE_COMMIT, Fault.AFTER_COMMIT])
def test_bulk_facts_alone_survive_a_cut_connection_too(fault: Fault, database_url: str) -> None:
    with faulty_proxy(database_url) as proxy, open_store(proxy.url) as through:
        proxy.break_next = fault
        answers = through.pipeline.submit([place_order(1), ship_order(1)])
        assert proxy.faults == 1
        assert [a.position for a in answers] == [1, 2]
        assert through.log.head() == 2


def test_a_connection_cut_at_commit_while_somebody_else_writes_the_same_stream(
    database_url: str, store: Store
) -> None:
    with faulty_proxy(database_url) as proxy, open_store(proxy.url) as through:
        through.pipeline.submit([set_budget("1", "m1")])
        proxy.break_next = Fault.BEFORE_COMMIT
        store.pipeline.submit([set_budget("2", "m2")])
        (answer,) = through.pipeline.submit([set_budget("3", "m3")])
        assert (answer.position, proxy.faults) == (3, 1)


def test_without_a_database_the_answer_is_unavailable_and_nothing_is_remembered(
    database_url: str, store: Store
) -> None:
    with faulty_proxy(database_url) as proxy, open_store(proxy.url) as through:
        through.pipeline.submit([set_budget("1", "m1")])
        proxy.refuses = True
        with pytest.raises(Unavailable):
            through.pipeline.submit([set_budget("2", "m2")])
        proxy.refuses = False
        (answer,) = through.pipeline.submit([set_budget("2", "m2")])
        assert (answer.accepted, answer.repeat, answer.position) == (True, False, 2)


def test_after_a_restart_of_the_server_the_next_call_finds_a_new_connection(
    store: Store, database_url: str
) -> None:
    store.pipeline.submit([set_budget("1", "m1")])
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    (answer,) = store.pipeline.submit([set_budget("2", "m2")])
    assert answer.position == 2


@pytest.mark.parametrize("by", HINDRANCES)
def test_what_the_database_refuses_to_everybody_is_no_fault_of_a_request(
    by: str, database: Database, store: Store
) -> None:
    batch = [set_budget("1", "m1"), set_budget("2", "m2")]
    with hindered(database, by):
        with pytest.raises(Unavailable):
            store.pipeline.submit(batch)
        with pytest.raises(Unavailable):
            store.pipeline.submit(batch[:1])
        assert store.log.head() == 0
    answers = store.pipeline.submit(batch)
    assert [(a.accepted, a.position, a.repeat) for a in answers] == [
        (True, 1, False),
        (True, 2, False),
    ]


def test_a_database_that_only_reads_is_unavailable_and_later_the_same_store_writes_again(
    database: Database, store: Store
) -> None:
    store.pipeline.submit([set_budget("1", "m1")])
    with read_only(database), pytest.raises(Unavailable):
        store.pipeline.submit([set_budget("2", "m2")])

    def is_taken() -> bool:
        # Each session that began meanwhile only reads; it is given up when that is found.
        with contextlib.suppress(Unavailable):
            return store.pipeline.submit([set_budget("2", "m2")])[0].accepted
        return False

    _wait_for(is_taken)
    assert answered(database.url) == [("m1", True), ("m2", True)]
    assert store.log.head() == 2


# -------------------------------------------------------------- stopped writers


def test_a_client_that_falls_silent_in_the_middle_of_its_pipeline_blocks_nobody_for_long(
    database_url: str, store: Store
) -> None:
    with faulty_proxy(database_url) as proxy, open_store(proxy.url) as through:
        through.pipeline.submit([set_budget("1", "m1")])
        proxy.break_next = Fault.SILENCE
        silent = threading.Thread(target=through.pipeline.submit, args=([set_budget("2", "m2")],))
        silent.start()
        _wait_for(lambda: proxy.faults == 1)
        started = time.monotonic()
        (answer,) = store.pipeline.submit([set_budget("3", "m3")])
        assert answer.position == 2
        assert time.monotonic() - started < 10
        proxy.end_silence()
        silent.join()
        assert store.log.head() == 3, "and it does its work when it goes on"


STOPPING_WRITER = """
    import os, signal, sys
    from tests.support.store import open_store, set_budget

    def stop(cursor, _):
        cursor.connection.execute("SELECT 1")  # everything so far is sent: the lock is held
        if not os.path.exists(sys.argv[2]):
            open(sys.argv[2], "w").close()
            os.kill(os.getpid(), signal.SIGSTOP)

    with open_store(sys.argv[1]) as store:
        (answer,) = store.pipeline.submit([set_budget("2", "stopped")], also=stop)
        print(answer.accepted, answer.repeat, answer.position)
"""


def test_a_writer_stopped_while_it_holds_the_lock_loses_it_and_tries_again_when_woken(
    database_url: str, store: Store, tmp_path: Path
) -> None:
    flag = tmp_path / "stopped"
    writer = _python(STOPPING_WRITER, database_url, str(flag))
    _wait_for(lambda: flag.exists() and _is_stopped(writer.pid))
    started = time.monotonic()
    (answer,) = store.pipeline.submit([set_budget("3", "m3")])
    assert answer.position == 1
    assert time.monotonic() - started < 10
    os.kill(writer.pid, signal.SIGCONT)
    out, _ = writer.communicate(timeout=60)
    assert out.split() == ["True", "False", "2"]
    assert answered(database_url) == [("m3", True), ("stopped", True)]


def test_a_writer_idle_in_its_transaction_is_ended_by_the_server(
    database_url: str, store: Store
) -> None:
    with store.datastore.connection() as conn:
        conn.execute("BEGIN")
        lock_log(conn.cursor())
        with open_store(database_url) as other:
            (answer,) = other.pipeline.submit([set_budget("3", "m3")])
            assert answer.position == 1
        with pytest.raises(psycopg.Error):
            conn.execute("SELECT 1")


# ------------------------------------------------- others who write in between

PUBLISHER = """
    import sys
    from tests.support.store import open_store, publish_window, set_budget

    with open_store(sys.argv[1]) as store:
        for n in range(int(sys.argv[2]), int(sys.argv[3])):
            store.pipeline.submit([publish_window(10 + n, f"policy-{n}")])
            store.pipeline.submit([set_budget(str(1000 + n), f"budget-{n}")])
"""


def _meddling(url: str, times: int) -> Domain:
    """Decides as the real domain does, but the first `times` decisions on the message `mine`
    take so long that another process changes budget and policy before they commit."""
    decisions = iter(range(times))

    def decide(command: Command, world: World, context: Context) -> list[Emit]:
        if context.request_id.startswith("mine"):
            # What a refund decision looks at.
            world.policies("douyin", "s1")
        emits = decider.decide(command, world, context)
        if context.request_id == "mine" and (n := next(decisions, None)) is not None:
            _python(PUBLISHER, url, str(n), str(n + 1)).communicate(timeout=60)
        return emits

    return Domain(decide=decide)


def test_a_budget_or_policy_changed_by_another_process_before_the_commit_is_decided_anew(
    database_url: str, store: Store
) -> None:
    with open_store(database_url, domain=_meddling(database_url, 1)) as slow:
        slow.pipeline.submit([set_budget("5", "earlier"), publish_window(7, "policy")])
        # Decided on a limit of 5 this would change nothing; by the commit the limit is 1000.
        mine, other = slow.pipeline.submit([set_budget("5", "mine"), register_supplier("S", "x")])
    assert (mine.accepted, mine.position, other.position) == (True, 5, 6)
    last = store.log.load("budget:douyin:s1:2026-01-05")[-1]
    assert getattr(last.event, "limit", None) == 500
    assert last.stamp.version == 3
    assert last.stamp.decided_at > store.log.tail(3, 1)[0].recorded_at


def test_a_refusal_too_is_decided_anew_when_what_it_looked_at_has_changed(
    database_url: str, store: Store
) -> None:
    seen: list[int] = []

    def decide(command: Command, world: World, context: Context) -> list[Emit]:
        if context.request_id == "mine":
            seen.append(world.budget("douyin", "s1", "2026-01-05").version)
            if len(seen) == 1:
                store.pipeline.submit([set_budget("9", "m9")])
        return decider.decide(command, world, context)

    with open_store(database_url, domain=Domain(decide=decide)) as slow:
        (answer,) = slow.pipeline.submit([set_budget("1", "mine", by=AGENT)])
    assert answer.code == "role_not_allowed"
    assert seen == [0, 1]


def test_whoever_is_overtaken_again_and_again_decides_at_last_while_nobody_can_write(
    database_url: str, store: Store
) -> None:
    overtaken: list[int] = []

    def decide(command: Command, world: World, context: Context) -> list[Emit]:
        if context.request_id == "mine":
            budget = world.budget("douyin", "s1", "2026-01-05")
            overtaken.append(budget.version)
            thread = threading.Thread(
                target=store.pipeline.submit,
                args=([set_budget(str(10 + len(overtaken)), f"o{len(overtaken)}")],),
            )
            thread.start()
            # Under the lock the other has to wait for us; before, we wait for it.
            thread.join(0.5)
            threads.append(thread)
        return decider.decide(command, world, context)

    threads: list[threading.Thread] = []
    with open_store(database_url, domain=Domain(decide=decide)) as slow:
        (answer,) = slow.pipeline.submit([set_budget("5000", "mine")])
    for thread in threads:
        thread.join()
    assert overtaken == [0, 1, 2, 3, 4]
    assert answer.position == 5
    assert store.log.head() == 6


def test_what_others_write_elsewhere_costs_no_second_decision(
    database_url: str, store: Store
) -> None:
    decisions: list[str] = []

    def decide(command: Command, world: World, context: Context) -> list[Emit]:
        decisions.append(context.request_id)
        if len(decisions) == 2:
            store.pipeline.submit([set_budget("9", "m9", day="2026-01-06")])
            store.pipeline.submit([set_budget("8", "m8")])
        return decider.decide(command, world, context)

    with open_store(database_url, domain=Domain(decide=decide)) as slow:
        slow.pipeline.submit([register_supplier("S", "a"), set_budget("5", "b")])
    assert decisions == ["a", "b", "b"], "only what was touched"


# ---------------------------------------------------------------------- helpers


def _python(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )


def _wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
