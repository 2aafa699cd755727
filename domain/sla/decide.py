"""Decides the commands about a case's clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.case.state import Case
from domain.kernel import Context, Emit
from domain.sla.targets import renewed
from domain.sla.timekeeper import Timekeeper

if TYPE_CHECKING:
    from domain.case.commands import ClockCommand
    from domain.world import World


def decide_clocks(command: ClockCommand, case: Case, world: World, context: Context) -> list[Emit]:
    """Notice breaches due by now, or bring open clocks under the policy in force now."""
    keeper = Timekeeper(case, world, context)
    if command.TYPE == "case.check_clocks":
        keeper.notice(context.occurred_at)
    else:
        renewed(keeper, context.now)
    return keeper.emits
