"""The invariants of cases under long random sequences."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.unit.model.machine import CaseMachine

SEED: Final = 20261122
"""Another one draws other sequences. Fixed, so that a change fails for what it changed."""


def test_no_invariant_breaks_in_long_random_sequences() -> None:
    machine: Any = seed(SEED)(CaseMachine)
    long = settings(max_examples=300, stateful_step_count=60, deadline=None, database=None)
    run_state_machine_as_test(machine, settings=long)
