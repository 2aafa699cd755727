"""Open cases, with all that their place in the live queue depends on but the time of asking."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from domain.case.state import Case
from domain.case.turn import Action, steps
from domain.case.values import PRIORITY_RANK, Duty, Level, RefundStatus
from domain.kernel import Kind, record
from domain.money import exponent
from domain.sla.events import ClockName
from domain.sla.state import Clock
from projections.projection import row_by_stream

VERSION = 4
PLACES = ("rank", "late_since", "due", "holds_from", "holds_until", "judged_by")
SEVERITY_RANK = {level: rank for rank, level in enumerate(Level)}


@record
class QueueRow:
    """One open case. The four `clock_*` and `due_at` are parallel: one element for each due time
    that a running clock has or has missed since its present period began.

    holder, held_until: of the claim as recorded; whether it still runs is seen when asked.
    clock_every: minutes of a recurring clock's period, at its next due time; 0 else.
    """

    case_id: str
    platform: str
    shop: str
    category: str | None
    order_id: str | None
    filed_at: datetime | None
    round: int
    problems: tuple[str, ...]
    severity: int
    priority: int
    safety: bool
    assignee: str | None
    holder: str | None
    held_until: datetime | None
    turn: str | None
    next_action: str | None
    about: str | None
    payout: str | None
    platform_due_at: datetime | None
    currency: str | None
    owed: Decimal
    refunded: Decimal
    clock: tuple[str, ...]
    clock_party: tuple[str, ...]
    clock_every: tuple[int, ...]
    due_at: tuple[datetime, ...]


def row(case: Case) -> QueueRow | None:
    """The case's place in the live queue, or None once it is closed."""
    if not case.is_open:
        return None
    open_steps = steps(case)
    first = open_steps[0] if open_steps else None
    checks = {step.about for step in open_steps if step.action is Action.CHECK_PAYOUT}
    dues = list(_dues(case))
    return QueueRow(
        case_id=case.case_id,
        platform=case.platform,
        shop=case.shop,
        category=case.category,
        order_id=case.order_id,
        filed_at=case.filed_at,
        round=case.round,
        problems=tuple(sorted({item.problem.value for item in case.items.values()})),
        severity=SEVERITY_RANK[case.severity],
        priority=PRIORITY_RANK[case.priority],
        safety=case.safety,
        assignee=case.assignee,
        holder=case.lease.agent if case.lease else None,
        held_until=case.lease.until if case.lease else None,
        turn=first.party.value if first else None,
        next_action=first.action.value if first else None,
        about=first.about if first else None,
        payout=_payout(case, checks),
        platform_due_at=_platform_due_at(case),
        currency=case.currency,
        owed=_amount(_owed(case), case.currency),
        refunded=_amount(case.refunded, case.currency),
        clock=tuple(clock.clock.value for clock, _, _ in dues),
        clock_party=tuple(clock.party.value for clock, _, _ in dues),
        clock_every=tuple(every for _, _, every in dues),
        due_at=tuple(due for _, due, _ in dues),
    )


def _dues(case: Case) -> Iterator[tuple[Clock, datetime, int]]:
    """Each running clock with its due time and, if it recurs, those missed in a row before it."""
    for _, clock in sorted(case.clocks.items()):
        if not clock.is_running:
            continue
        recurs = clock.clock is ClockName.PROGRESS_UPDATE
        if recurs:
            for missed in clock.breaches:
                if missed > clock.restarted_at:
                    yield clock, missed, 0
        yield clock, clock.due_at, clock.target_minutes if recurs else 0


def _payout(case: Case, checks: set[str]) -> str | None:
    """What is wrong with a payout that somebody has to check; unknown goes before failed, for
    money may have gone. Money that bounced has failed."""
    found = {refund.status for key, refund in case.refunds.items() if key in checks}
    if RefundStatus.UNKNOWN in found:
        return "unknown"
    return "failed" if found else None


def _platform_due_at(case: Case) -> datetime | None:
    """The earliest of the platform's own deadlines for what has still to be done."""
    done = {clock.clock for clock in case.clocks.values()} - {
        clock.clock for clock in case.clocks.values() if clock.is_live
    }
    return min(
        (due for name, due in case.platform_deadlines.items() if name not in done), default=None
    )


def _owed(case: Case) -> int:
    """Minor units that open refund obligations still ask for."""
    return sum(
        max(0, obligation.amount - case.paid_for(obligation.obligation_id))
        for obligation in case.open_obligations
        if obligation.duty is Duty.REFUND
    )


def _amount(minor: int, currency: str | None) -> Decimal:
    return Decimal(minor).scaleb(-exponent(currency or ""))


PROJECTION = row_by_stream("queue", VERSION, Kind.CASE, row, PLACES)
