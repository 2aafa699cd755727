"""What a case tells its order: that it is open about some lines, and that it has ended."""

from __future__ import annotations

from datetime import datetime

from domain.case.state import Case
from domain.kernel import Emit, order_stream
from domain.order import CaseEndedOnOrder, CaseOpenedOnOrder, Order


def opened_on_order(
    order: Order, case_id: str, lines: tuple[str, ...], complained_at: datetime
) -> list[Emit]:
    """The case is open about these lines. Nothing if the order holds just that."""
    known = order.cases.get(case_id)
    told = tuple(dict.fromkeys(lines))
    if known is not None and known.open:
        grows = not set(told) <= set(known.lines)
        if not grows and known.complained_at <= complained_at:
            return []
    event = CaseOpenedOnOrder(case_id=case_id, lines=told, complained_at=complained_at)
    return [Emit(order.stream, event)]


def ended_on_order(case: Case) -> list[Emit]:
    """The case has ended. Nothing while its order isn't known to it."""
    if case.order_id is None:
        return []
    return [Emit(order_stream(case.order_id), CaseEndedOnOrder(case_id=case.case_id))]


def lines_of(case: Case) -> tuple[str, ...]:
    """The order lines of the case's items, each once."""
    return tuple(dict.fromkeys(item.line for item in case.items.values()))
