"""What is told of the live queue: an entry for each open case, and that a case has left it."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import AwareDatetime

from domain.case.values import Level, Party, Priority, ProblemType
from domain.sla.events import ClockName
from infra.kafka.contracts.events import PublicModel, schema_id, type_name


class DueTime(PublicModel):
    """A due time that a running clock has, or has missed since its present period began."""

    clock: ClockName
    party: Party
    due_at: AwareDatetime
    every_minutes: int


class QueueEntry(PublicModel):
    """An open case, with all that its place in the live queue depends on but the shop's procedure
    and the time of asking.
    """

    case_id: str
    platform: str
    shop: str
    position: int
    category: str | None
    order_id: str | None
    filed_at: AwareDatetime | None
    round: int
    problems: list[ProblemType]
    severity: Level
    priority: Priority
    safety: bool
    assigned: bool
    held_until: AwareDatetime | None
    turn: Party | None
    next_action: str | None
    about: str | None
    payout: Literal["failed", "unknown"] | None
    platform_due_at: AwareDatetime | None
    currency: str | None
    owed: int
    refunded: int
    due_times: list[DueTime]


ENTRY_TYPE: Final = type_name("queue_entry", QueueEntry)
ENTRY_SCHEMA: Final = schema_id(ENTRY_TYPE, QueueEntry)
LEFT_TYPE: Final = "casetrail.queue_left.v1"
"""Of a tombstone, which has no value."""
