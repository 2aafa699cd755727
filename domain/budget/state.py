"""A shop's budget for automatic refunds on one day, as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from domain.budget.events import (
    BudgetEvent,
    BudgetReleased,
    BudgetReserved,
    BudgetSet,
    BudgetSpent,
)
from domain.kernel import Stamp, State, folded


@folded
class Budget(State):
    """name: platform:shop:day, the ISO date in the shop's zone. limit, currency: what was set
    for this very day, or None where the policy's hold. reserved, spent: minor units by action
    key; a key stands in one of them at most."""

    name: str
    version: int = 0
    limit: int | None = None
    currency: str | None = None
    reserved: Mapping[str, int] = field(default_factory=dict[str, int])
    spent: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def stream(self) -> str:
        return f"budget:{self.name}"

    @property
    def used(self) -> int:
        """Minor units reserved or spent."""
        return sum(self.reserved.values()) + sum(self.spent.values())

    def left(self, limit: int) -> int:
        """Minor units that may still be reserved; never negative. limit: the policy's, which
        holds unless one was set for this very day."""
        own = self.limit
        return max(0, (limit if own is None else own) - self.used)


def budget_day(at: datetime, zone: ZoneInfo) -> str:
    """The day, in the shop's zone, whose budget a decision at `at` draws on."""
    return at.astimezone(zone).date().isoformat()


def _without(amounts: Mapping[str, int], key: str) -> dict[str, int]:
    return {other: amount for other, amount in amounts.items() if other != key}


def evolve(budget: Budget, event: BudgetEvent, stamp: Stamp) -> Budget:
    """The budget after `event`."""
    match event:
        case BudgetSet():
            return budget.with_(version=stamp.version, limit=event.limit, currency=event.currency)
        case BudgetReserved():
            return budget.with_(
                version=stamp.version,
                reserved={**budget.reserved, event.action_key: event.amount},
                spent=_without(budget.spent, event.action_key),
            )
        case BudgetReleased():
            return budget.with_(
                version=stamp.version,
                reserved=_without(budget.reserved, event.action_key),
                spent=_without(budget.spent, event.action_key),
            )
        case BudgetSpent():
            return budget.with_(
                version=stamp.version,
                reserved=_without(budget.reserved, event.action_key),
                spent={**budget.spent, event.action_key: event.amount},
            )
        case _:
            assert_never(event)
