"""Stories that many tests of a case begin with: an order, a complaint, an agreement."""

from __future__ import annotations

from datetime import datetime
from typing import cast, get_args

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.commands import LineMoney, PartOffer
from domain.case.state import Case
from domain.case.values import (
    Channel,
    EvidenceKind,
    EvidenceRef,
    ItemClaim,
    ProblemType,
    Resolution,
    Totals,
)
from domain.case.values import Outcome as CaseOutcome
from domain.kernel import Actor, Command, Emit, Event
from domain.money import Money
from domain.order import (
    Order,
    OrderedLine,
    RecordDelivery,
    RecordOrder,
    RecordShipment,
)
from domain.sla.events import ClockEvent
from tests.unit.support import SERVICE, T0, Outcome, Story, Told, days, given, hours, told

CASE = "douyin:s1:AS1"
SECOND = "douyin:s1:AS2"
ORDER = "douyin:s1:O1"
BOUGHT = T0 - days(6)
SHIPPED = T0 - days(5)
DELIVERED = T0 - days(2)

_CLOCK_EVENTS = cast("tuple[type[Event], ...]", get_args(ClockEvent))


def yuan(amount: str) -> Money:
    return Money(amount=amount, currency="CNY")


def on_line(amount: str, line: str = "L1") -> tuple[LineMoney, ...]:
    """Money on one order line."""
    return (LineMoney(line=line, money=yuan(amount)),)


def order(*, supplier: str | None = "huaxing", price: str = "100.00") -> Command:
    """Two lines: L1, two cups for `price`; L2, one plate for 40.00; outbound freight 8.00."""
    return RecordOrder(
        order_id=ORDER,
        currency="CNY",
        lines=(
            OrderedLine(
                line="L1",
                product="cup",
                category="kitchen",
                supplier=supplier,
                quantity=2,
                price=yuan(price),
            ),
            OrderedLine(
                line="L2",
                product="plate",
                category="kitchen",
                supplier="mingda",
                quantity=1,
                price=yuan("40.00"),
            ),
        ),
        freight=yuan("8.00"),
    )


def shipped(units: dict[str, int] | None = None) -> Command:
    return RecordShipment(order_id=ORDER, shipment_id="P1", units=units or {"L1": 2, "L2": 1})


def complaint(
    problem: ProblemType = ProblemType.QUALITY_DEFECT,
    *,
    case_id: str = CASE,
    lines: tuple[tuple[str, int], ...] = (("L1", 2),),
    order_id: str | None = ORDER,
) -> cmd.FileComplaint:
    return cmd.FileComplaint(
        case_id=case_id,
        order_id=order_id,
        channel=Channel.PLATFORM,
        items=tuple(ItemClaim(line=line, quantity=n, problem=problem) for line, n in lines),
        evidence=(EvidenceRef(evidence_id="E1", kind=EvidenceKind.PHOTO, sha256="a" * 64),),
    )


def bought(*, delivered: bool = True, supplier: str | None = "huaxing") -> Story:
    """The order was placed and shipped, and delivered two days before T0."""
    story = given(
        told(order(supplier=supplier), at=BOUGHT, by=SERVICE),
        told(shipped(), at=SHIPPED, by=SERVICE),
    )
    if delivered:
        arrived = RecordDelivery(order_id=ORDER, shipment_id="P1")
        story.given(told(arrived, at=DELIVERED, by=SERVICE))
    return story


def complained(
    problem: ProblemType = ProblemType.QUALITY_DEFECT,
    *,
    lines: tuple[tuple[str, int], ...] = (("L1", 2),),
    delivered: bool = True,
    supplier: str | None = "huaxing",
) -> Story:
    """Delivered, and complained about at T0."""
    return bought(delivered=delivered, supplier=supplier).given(complaint(problem, lines=lines))


def offer(
    *parts: PartOffer, proposal_id: str = "A", goodwill: str | None = None, case_id: str = CASE
) -> cmd.ProposeResolution:
    return cmd.ProposeResolution(
        case_id=case_id,
        proposal_id=proposal_id,
        parts=parts,
        goodwill=None if goodwill is None else yuan(goodwill),
    )


def accept(proposal_id: str = "A", case_id: str = CASE) -> cmd.AcceptProposal:
    return cmd.AcceptProposal(case_id=case_id, proposal_id=proposal_id)


def part(
    resolution: Resolution, amount: str | None = None, items: tuple[int, ...] = (1,)
) -> PartOffer:
    amounts = () if amount is None else on_line(amount)
    return PartOffer(resolution=resolution, items=items, amounts=amounts)


def agreed(
    resolution: Resolution = Resolution.REFUND_PARTIAL,
    amount: str | None = "30.00",
    *,
    problem: ProblemType = ProblemType.QUALITY_DEFECT,
    goodwill: str | None = None,
) -> Story:
    """An agreement A about item 1; its obligations are A-1, A-2, … ."""
    return complained(problem).given(offer(part(resolution, amount), goodwill=goodwill), accept())


def returning(amount: str = "100.00", problem: ProblemType = ProblemType.QUALITY_DEFECT) -> Story:
    """Agreed: send it back, then the money. A-1 is the return, A-2 the refund; the buyer has the
    address, the return is B1."""
    story = agreed(Resolution.RETURN_AND_REFUND, amount, problem=problem)
    return story.given(
        cmd.AgreeReturnAddress(case_id=CASE, return_id="B1", items=(1,), packaging_asked_for=True)
    )


def pay(
    key: str = "K1", obligation: str = "A-1", amount: str | None = None, case_id: str = CASE
) -> cmd.RequestRefund:
    return cmd.RequestRefund(
        case_id=case_id,
        action_key=key,
        obligation_id=obligation,
        amounts=() if amount is None else on_line(amount),
    )


def succeeded(amount: str, key: str = "K1", line: str = "L1") -> cmd.RecordRefundSucceeded:
    return cmd.RecordRefundSucceeded(case_id=CASE, action_key=key, amounts=on_line(amount, line))


def failed(key: str = "K1", reason: str = "account closed") -> cmd.RecordRefundFailed:
    return cmd.RecordRefundFailed(case_id=CASE, action_key=key, reason=reason)


def bounced(key: str = "K1") -> cmd.RecordRefundReversed:
    return cmd.RecordRefundReversed(case_id=CASE, action_key=key, reason="account closed")


def at(moment: float) -> datetime:
    """So many hours after T0."""
    return T0 + hours(moment)


def fact(command: Command, moment: float = 1, by: Actor = SERVICE) -> Told:
    """A fact that happened, and was told, so many hours after T0."""
    return told(command, at=at(moment), by=by)


def tell(story: Story, command: Command, moment: float = 1, by: Actor = SERVICE) -> Outcome:
    """What a fact becomes that happened, and was told, so many hours after T0."""
    return story.when(command, at=at(moment), by=by)


def business(outcome: Outcome) -> list[Event]:
    """What came of a request, the clocks' own events left out."""
    assert outcome.refusal is None, f"refused: {outcome.refusal.code}: {outcome.refusal}"
    return [event for event in outcome.events if not isinstance(event, _CLOCK_EVENTS)]


def kinds(outcome: Outcome) -> list[str]:
    """The classes of what came of a request, the clocks' own events left out."""
    return [type(event).__name__ for event in business(outcome)]


def case_of(story: Story, case_id: str = CASE) -> Case:
    case = story.state(f"case:{case_id}")
    assert isinstance(case, Case)
    return case


def order_of(story: Story) -> Order:
    found = story.state(f"order:{ORDER}")
    assert isinstance(found, Order)
    return found


def divergences(story: Story) -> list[tuple[str, str]]:
    """The kinds and next actions of the case's open divergences."""
    return [(d.kind.value, d.next_action) for d in case_of(story).open_divergences]


def closed(outcome: CaseOutcome = CaseOutcome.SOLVED) -> Emit:
    """The case's end as it is recorded; what has to come before it is not told here."""
    totals = Totals(refunded=0, goodwill=0, return_freight=0)
    return Emit(f"case:{CASE}", ev.CaseClosed(outcome=outcome, totals=totals))


def withdrawn() -> cmd.WithdrawCase:
    return cmd.WithdrawCase(case_id=CASE)
