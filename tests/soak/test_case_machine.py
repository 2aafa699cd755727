"""Random commands and facts about three cases of one order: many, and new ones each time."""

from __future__ import annotations

from hypothesis import settings

from tests.unit.model.machine import CaseMachine

TestCaseMachineAtLength = CaseMachine.TestCase
TestCaseMachineAtLength.settings = settings(max_examples=400, stateful_step_count=60)
