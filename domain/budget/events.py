"""What happened to a shop's budget for automatic refunds on one day."""

from __future__ import annotations

from domain.kernel import Event, Ident, event
from domain.money import Currency, Minor


@event("budget.budget_set.v1")
class BudgetSet(Event):
    """A limit for this day that replaces the policy's. limit: minor units of `currency`."""

    limit: Minor
    currency: Currency


@event("budget.budget_reserved.v1")
class BudgetReserved(Event):
    """amount: minor units of the currency in which the policy states the budget."""

    action_key: Ident
    amount: Minor


@event("budget.budget_released.v1")
class BudgetReleased(Event):
    """The payout failed or will not be made: its share of the day's budget is free again."""

    action_key: Ident


@event("budget.budget_spent.v1")
class BudgetSpent(Event):
    """The payout succeeded: what was reserved for it is spent."""

    action_key: Ident
    amount: Minor


BudgetEvent = BudgetSet | BudgetReserved | BudgetReleased | BudgetSpent
