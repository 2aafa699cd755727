"""Sixty faults at random moments under load: rows end as those of a fresh rebuild."""

from __future__ import annotations

from random import Random

from tests.integration.engine.chaos import chaos, rounds

ROUNDS = 5
FAULTS = 12


def test_faults_at_random_leave_rows_as_a_rebuild_makes_them() -> None:
    with chaos(Random()) as one:
        for _ in range(ROUNDS):
            rounds(one, FAULTS)
            one.check()
