"""Kills of the engines, the leader, its session, a backend and PostgreSQL, under load: rows end as
those of a fresh rebuild, nothing twice, without a hand."""

from __future__ import annotations

from contextlib import closing
from random import Random

import pytest

from infra.engine import Engine
from infra.engine.books import LEADER_LOCK
from infra.postgres import connect
from infra.postgres.leading import try_lead
from tests.integration.engine.chaos import RECOVERED_WITHIN, chaos, rounds
from tests.support.processes import within
from tests.support.workers import running

LEADERS = """
    select pid from pg_locks
    where locktype = 'advisory' and granted and (classid::bigint << 32 | objid::bigint) = %(key)s
      and database = (select oid from pg_database where datname = current_database())
"""


def test_each_fault_once_under_load_and_the_rows_are_those_of_a_rebuild() -> None:
    with chaos(Random(5)) as one:
        rounds(one, 6)
        one.check()


def test_a_leader_that_does_not_take_what_it_asked_for_is_followed_by_another(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server waits to hand over rows, and looks at no time-out while it does."""
    monkeypatch.setattr("infra.engine.engine.SILENT_AFTER", 1.0)
    engine = Engine(database_url, poll=0.2)
    with engine.session() as frozen:
        assert try_lead(frozen, LEADER_LOCK)
        frozen.pgconn.send_query(b"select repeat('x', 1000) from generate_series(1, 100000)")
        frozen.pgconn.flush()
        with running(engine), closing(connect(database_url, autocommit=True)) as conn:

            def led_by_another() -> bool:
                held = conn.execute(LEADERS, {"key": LEADER_LOCK}).fetchall()
                return held not in ([], [(frozen.info.backend_pid,)])

            assert within(RECOVERED_WITHIN, led_by_another)


def test_a_leader_that_is_stopped_for_good_is_followed_by_another() -> None:
    with chaos(Random(6)) as one:
        with one.load():
            assert within(RECOVERED_WITHIN, lambda: one.leader_pid() != 0)
            frozen = one.freeze_the_leader()
            assert within(RECOVERED_WITHIN, lambda: one.leader_pid() != frozen)
        one.check()
