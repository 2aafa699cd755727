"""What can be asked of a day's budget."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from domain.kernel import Command, Ident, Platform, budget_stream, command
from domain.money import Money

Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
"""ISO date in the shop's zone."""


@command("budget.set")
class SetBudget(Command):
    """Set the limit of one day, for this shop, in place of the policy's."""

    platform: Platform
    shop: Ident
    day: Day
    limit: Money

    def streams(self) -> tuple[str, ...]:
        return (budget_stream(self.platform, self.shop, self.day),)


BudgetCommand = SetBudget
