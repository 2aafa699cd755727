"""The clocks of what was agreed: execution, the goods on their way back, repair."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from domain.case import events as ev
from domain.case.owed import awaited_goods, is_expected
from domain.case.state import Case
from domain.case.values import Duty, ObligationTerms, Party
from domain.kernel import Event, Stamp
from domain.sla.events import ClockName
from domain.sla.state import ClockStatus
from domain.sla.timekeeper import Timekeeper

EXECUTED: Final = frozenset({Duty.REFUND, Duty.DISPATCH, Duty.GOODWILL})
"""Duties with an execution clock; a return and a repair have clocks of their own."""


def execute(keeper: Timekeeper, obligations: tuple[ObligationTerms, ...], at: datetime) -> None:
    """Each of the shop's obligations has its own clock; what needs the goods back waits. Where the
    case had ended by then, as after a ruling told late, its clock ended with it."""
    for terms in obligations:
        if terms.party is Party.SHOP and terms.duty in EXECUTED:
            keeper.start(
                ClockName.EXECUTION,
                Party.SHOP,
                at,
                about=terms.obligation_id,
                paused=terms.after_return and not _is_back(keeper.case, terms),
            )
            end = keeper.case.ended_at
            if end is not None and at < end:
                for clock in keeper.about(ClockName.EXECUTION, terms.obligation_id):
                    keeper.cancel(clock, end, counts=True)


def _is_back(case: Case, terms: ObligationTerms) -> bool:
    """The goods of this obligation were received before it was agreed."""
    return any(
        set(back.items) & set(terms.items) and back.step in ("received", "inspected", "lost")
        for back in case.returns.values()
    )


def superseded(
    keeper: Timekeeper, before: Case, supersedes: tuple[str, ...], at: datetime, stamp: Stamp
) -> None:
    """What the superseded agreements still owed needs no clock any more."""
    for obligation in before.obligations.values():
        if obligation.agreement in supersedes and obligation.ended is None:
            keeper.end(ClockName.EXECUTION, obligation.obligation_id, at, False, stamp)
    not_returned(keeper, at, stamp)


def not_returned(keeper: Timekeeper, at: datetime, stamp: Stamp) -> None:
    """Where a return is owed no more, the buyer need not ship, and what waited for it runs."""
    for back in keeper.case.returns.values():
        if back.step == "agreed" and not is_expected(keeper.case, back):
            keeper.end(ClockName.RETURN_SHIPMENT, back.return_id, at, False, stamp)
    for clock in keeper.live(ClockName.EXECUTION):
        obligation = keeper.case.obligations.get(clock.about or "")
        if obligation is None or clock.status is not ClockStatus.PAUSED:
            continue
        if awaited_goods(keeper.case, obligation) is None:
            keeper.resume(clock, at)


def follow_goods(keeper: Timekeeper, event: Event, at: datetime, stamp: Stamp) -> None:
    """Goods on their way back, in replacement or in repair."""
    match event:
        case ev.ReturnAddressAgreed():
            keeper.start(ClockName.RETURN_SHIPMENT, Party.BUYER, at, about=event.return_id)
        case ev.ReturnShipped():
            keeper.end(ClockName.RETURN_SHIPMENT, event.return_id, at, True, stamp)
            if keeper.case.is_open and keeper.case.returns[event.return_id].step == "shipped":
                keeper.start(ClockName.RETURN_TRANSIT, Party.CARRIER, at, about=event.return_id)
        case ev.ReturnReceived():
            keeper.end(ClockName.RETURN_SHIPMENT, event.return_id, at, True, stamp)
            keeper.end(ClockName.RETURN_TRANSIT, event.return_id, at, True, stamp)
            if keeper.case.is_open:
                keeper.start(ClockName.INSPECTION, Party.SHOP, at, about=event.return_id)
            _goods_back(keeper, event.return_id, at)
        case ev.ReturnInspected():
            keeper.end(ClockName.INSPECTION, event.return_id, at, True, stamp)
        case ev.ReturnLost():
            keeper.end(ClockName.RETURN_TRANSIT, event.return_id, at, False, stamp)
            _goods_back(keeper, event.return_id, at)
        case ev.ReturnLapsed():
            keeper.end(ClockName.RETURN_SHIPMENT, event.return_id, at, False, stamp)
        case ev.ReplacementDispatched():
            keeper.end(ClockName.EXECUTION, event.obligation_id, at, True, stamp)
        case ev.RepairItemReceived():
            if keeper.case.is_open and _is_owed(keeper.case, event.obligation_id, Duty.REPAIR):
                keeper.start(ClockName.REPAIR, Party.SHOP, at, about=event.obligation_id)
        case ev.RepairSentBack():
            keeper.end(ClockName.REPAIR, event.obligation_id, at, True, stamp)
        case _:
            pass


def _is_owed(case: Case, obligation_id: str, duty: Duty) -> bool:
    obligation = case.obligations.get(obligation_id)
    return obligation is not None and obligation.duty is duty and obligation.ended is None


def _goods_back(keeper: Timekeeper, return_id: str, at: datetime) -> None:
    """What waited for these goods runs from their receipt (or their loss) on."""
    items = set(keeper.case.returns[return_id].items)
    for clock in keeper.live(ClockName.EXECUTION):
        obligation = keeper.case.obligations.get(clock.about or "")
        waits = obligation is not None and bool(items & set(obligation.items))
        if waits and clock.status is ClockStatus.PAUSED:
            keeper.resume(clock, at)
