"""Random commands and facts about three cases of one order break no invariant.

The same examples in every run; tests/soak tries more and longer ones.
"""

from __future__ import annotations

from hypothesis import settings

from tests.unit.model.machine import CaseMachine

TestCaseMachine = CaseMachine.TestCase
TestCaseMachine.settings = settings(max_examples=150, stateful_step_count=50)
