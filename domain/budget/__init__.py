"""A shop's daily budget for automatic refunds: reserved and spent with the decision itself."""

from domain.budget.commands import BudgetCommand, SetBudget
from domain.budget.decide import decide, release, reserve, spend
from domain.budget.events import (
    BudgetEvent,
    BudgetReleased,
    BudgetReserved,
    BudgetSet,
    BudgetSpent,
)
from domain.budget.state import Budget, budget_day, evolve

__all__ = [
    "Budget",
    "BudgetCommand",
    "BudgetEvent",
    "BudgetReleased",
    "BudgetReserved",
    "BudgetSet",
    "BudgetSpent",
    "SetBudget",
    "budget_day",
    "decide",
    "evolve",
    "release",
    "reserve",
    "spend",
]
