"""Random commands and facts about three cases of one order break no invariant.

The same examples each time; fresh ones are drawn in tests/soak.
"""

from __future__ import annotations

from hypothesis import settings

from tests.unit.model.machine import CaseMachine

TestCaseMachine = CaseMachine.TestCase
TestCaseMachine.settings = settings(max_examples=40, stateful_step_count=50, derandomize=True)
