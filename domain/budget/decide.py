"""What can be decided about a day's budget by itself; payouts draw on it in the case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.budget.commands import BudgetCommand
from domain.budget.events import BudgetReleased, BudgetReserved, BudgetSet, BudgetSpent
from domain.budget.state import Budget
from domain.kernel import Context, Emit, Role, require

if TYPE_CHECKING:
    from domain.world import World


def decide(command: BudgetCommand, world: World, context: Context) -> list[Emit]:
    """Rejected: role_not_allowed."""
    require(
        context.actor.role in (Role.SUPERVISOR, Role.ADMIN),
        "role_not_allowed",
        "Only a supervisor or an administrator sets a budget.",
    )
    budget = world.budget(command.platform, command.shop, command.day)
    limit, currency = command.limit.minor, command.limit.currency
    if (budget.limit, budget.currency) == (limit, currency):
        return []
    return [Emit(budget.stream, BudgetSet(limit=limit, currency=currency))]


def reserve(budget: Budget, action_key: str, amount: int, limit: int) -> Emit:
    """Set aside `amount` of the day's budget for one payout. limit: the policy's.

    Rejected: budget_exhausted, budget_key_reused.
    """
    require(
        action_key not in budget.reserved and action_key not in budget.spent,
        "budget_key_reused",
        f"{action_key} draws on this day's budget already.",
    )
    require(
        amount <= budget.left(limit),
        "budget_exhausted",
        "The shop's budget for automatic refunds of this day does not hold this amount.",
    )
    return Emit(budget.stream, BudgetReserved(action_key=action_key, amount=amount))


def release(budget: Budget, action_key: str) -> list[Emit]:
    """Free what a payout held of the day's budget; nothing if it holds none."""
    if action_key not in budget.reserved and action_key not in budget.spent:
        return []
    return [Emit(budget.stream, BudgetReleased(action_key=action_key))]


def spend(budget: Budget, action_key: str, amount: int) -> list[Emit]:
    """Book what a payout took of the day's budget; nothing unless it holds a reservation."""
    if action_key not in budget.reserved:
        return []
    return [Emit(budget.stream, BudgetSpent(action_key=action_key, amount=amount))]
