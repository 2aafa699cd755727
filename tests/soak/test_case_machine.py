"""The invariants of cases under long random sequences, other ones in every run."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.unit.model.machine import CaseMachine


def test_no_invariant_breaks_in_long_random_sequences() -> None:
    chosen = random.SystemRandom().randrange(2**32)
    print(f"hypothesis seed: {chosen}")
    machine: Any = seed(chosen)(CaseMachine)
    profile = settings.get_profile("soak")
    run_state_machine_as_test(
        machine, settings=settings(profile, max_examples=600, stateful_step_count=80)
    )
