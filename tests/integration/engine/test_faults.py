"""Kills of the engines, the leader, its session, a backend and PostgreSQL, under load: rows end as
those of a fresh rebuild, nothing twice, without a hand."""

from __future__ import annotations

from random import Random

from tests.integration.engine.chaos import RECOVERED_WITHIN, chaos, rounds
from tests.support.processes import within


def test_each_fault_once_under_load_and_the_rows_are_those_of_a_rebuild() -> None:
    with chaos(Random(5)) as one:
        rounds(one, 6)
        one.check()


def test_a_leader_that_is_stopped_for_good_is_followed_by_another() -> None:
    with chaos(Random(6)) as one:
        with one.load():
            assert within(RECOVERED_WITHIN, lambda: one.leader_pid() != 0)
            frozen = one.freeze_the_leader()
            assert within(RECOVERED_WITHIN, lambda: one.leader_pid() != frozen)
        one.check()
