"""Short ways to say what happens in a case."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.case import commands as cmd
from domain.case.state import Case
from domain.case.values import (
    Channel,
    ContactKind,
    DeclineGround,
    Direction,
    EvidenceKind,
    EvidenceRef,
    ItemClaim,
    Party,
    ProblemType,
    Resolution,
    RootCause,
    Stage,
)
from domain.kernel import Actor, ActorKind, Role
from domain.money import Money
from domain.order import RecordOrder
from tests.unit.order.build import CASE, ORDER, delivered, line, placed, shipped
from tests.unit.support import T0, Outcome, Story, Told, days, given, told

SECOND = Actor(kind=ActorKind.PERSON, id="chen", role=Role.SUPERVISOR)


def claim(
    name: str = "1", quantity: int = 1, problem: ProblemType = ProblemType.DAMAGED
) -> ItemClaim:
    return ItemClaim(line=name, quantity=quantity, problem=problem)


def photo(name: str = "E1") -> EvidenceRef:
    return EvidenceRef(evidence_id=name, kind=EvidenceKind.PHOTO, sha256="a" * 64)


def complaint(
    *claims: ItemClaim,
    number: str = CASE,
    order: str | None = ORDER,
    at: datetime = T0,
    known: datetime | None = None,
    evidence: tuple[EvidenceRef, ...] = (),
    stage: Stage | None = None,
    safety: bool = False,
    buyer: str | None = None,
) -> Told:
    """A complaint made at `at` and entered then, or at `known`."""
    command = cmd.FileComplaint(
        case_id=number,
        order_id=order,
        channel=Channel.PLATFORM,
        stage=stage,
        items=claims or (claim(),),
        evidence=evidence,
        safety=safety,
    )
    return told(command, at=known or at, occurred_at=at, buyer=buyer)


def order(price: str = "100.00", quantity: int = 1, lines: int = 1) -> RecordOrder:
    """An order of so many lines "1", "2", …, each of this price and quantity."""
    return placed(*(line(str(i + 1), price, quantity) for i in range(lines)))


def put(story: Story, request: Told) -> Outcome:
    """The outcome of one more complaint."""
    return story.when(
        request.command,
        at=request.at,
        by=request.actor,
        occurred_at=request.occurred_at,
        buyer=request.buyer,
    )


def filed(*claims: ItemClaim, evidence: tuple[EvidenceRef, ...] = (photo(),)) -> Story:
    """A complaint about an order of three lines of 100.00, two units each, delivered the day
    before."""
    return given(
        told(order(quantity=2, lines=3), at=T0 - days(3)),
        shipped({"1": 2, "2": 2, "3": 2}, at=T0 - days(2)),
        delivered(at=T0 - days(1)),
        complaint(*claims, evidence=evidence),
    )


def attached(name: str = "E1", number: str = CASE) -> cmd.AttachEvidence:
    return cmd.AttachEvidence(case_id=number, proof=photo(name), submitter=Party.BUYER)


def contact(
    kind: ContactKind = ContactKind.MESSAGE,
    *,
    direction: Direction = Direction.TO_BUYER,
    delivered: bool = True,
    substantive: bool = True,
    number: str = CASE,
) -> cmd.RecordContact:
    return cmd.RecordContact(
        case_id=number,
        direction=direction,
        contact=kind,
        channel=Channel.IM,
        delivered=delivered,
        substantive=substantive,
    )


def money(amount: str, currency: str = "CNY") -> Money:
    return Money(amount=amount, currency=currency)


def pay(name: str, amount: str, currency: str = "CNY") -> cmd.LineMoney:
    return cmd.LineMoney(line=name, money=money(amount, currency))


def part(
    resolution: Resolution = Resolution.REFUND_PARTIAL,
    *items: int,
    amounts: tuple[cmd.LineMoney, ...] | None = None,
) -> cmd.PartOffer:
    """A part for item 1, refunding 30.00 of line 1, unless it says otherwise."""
    default = (pay("1", "30.00"),) if resolution.startswith("refund") else ()
    if resolution is Resolution.RETURN_AND_REFUND:
        default = (pay("1", "30.00"),)
    return cmd.PartOffer(
        resolution=resolution,
        items=items or (1,),
        amounts=default if amounts is None else amounts,
    )


def proposal(
    *parts: cmd.PartOffer,
    name: str = "P1",
    goodwill: str | None = None,
    counters: str | None = None,
    number: str = CASE,
) -> cmd.ProposeResolution:
    return cmd.ProposeResolution(
        case_id=number,
        proposal_id=name,
        parts=parts or (part(),),
        goodwill=None if goodwill is None else money(goodwill),
        counters=counters,
    )


def full(amount: str, name: str = "P1", number: str = CASE) -> cmd.ProposeResolution:
    """The whole item 1, refunded."""
    return proposal(
        part(Resolution.REFUND_FULL, amounts=(pay("1", amount),)), name=name, number=number
    )


def counter(
    *parts: cmd.PartOffer, name: str = "B1", to: str | None = "P1"
) -> cmd.ProposeResolution:
    return cmd.ProposeResolution(
        case_id=CASE, proposal_id=name, by=Party.BUYER, parts=parts or (part(),), counters=to
    )


def accept(name: str = "P1", *items: int) -> cmd.AcceptProposal:
    return cmd.AcceptProposal(case_id=CASE, proposal_id=name, items=items)


def decline(
    ground: DeclineGround = DeclineGround.NO_DEFECT_FOUND,
    *items: int,
    name: str = "D1",
    evidence: tuple[str, ...] = ("E1",),
) -> cmd.DeclineComplaint:
    return cmd.DeclineComplaint(
        case_id=CASE, decline_id=name, ground=ground, items=items or (1,), evidence=evidence
    )


def refunded(
    key: str = "K1",
    obligation: str = "P1-1",
    amount: str = "30.00",
    name: str = "1",
    at: datetime = T0,
) -> tuple[Told, Told]:
    """A payout asked for and succeeded."""
    asked = cmd.RequestRefund(
        case_id=CASE, action_key=key, obligation_id=obligation, amounts=(pay(name, amount),)
    )
    paid = cmd.RecordRefundSucceeded(case_id=CASE, action_key=key, amounts=(pay(name, amount),))
    return told(asked, at=at), told(paid, at=at)


def solved(at: datetime = T0) -> Story:
    """A case whose buyer got the agreed partial refund at `at`."""
    story = filed().given(told(contact(), at=T0), proposal(), accept())
    return story.given(*refunded(at=at))


def classify(
    problem: ProblemType = ProblemType.DAMAGED, tags: tuple[str, ...] = ()
) -> cmd.Classify:
    return cmd.Classify(case_id=CASE, problem=problem, root_cause=RootCause.PACKAGING, tags=tags)


def closed(at: datetime = T0) -> Story:
    """A solved case, closed at `at`."""
    return solved(at=at).given(told(classify(), at=at), told(cmd.CloseCase(case_id=CASE), at=at))


def ended() -> Story:
    """A withdrawn case."""
    return filed().given(cmd.WithdrawCase(case_id=CASE))


def case_of(story: Story, number: str = CASE) -> Case:
    case = story.state(f"case:{number}")
    assert isinstance(case, Case)
    return case


def clock_of(story: Story, key: str) -> timedelta:
    """When the clock of that key is due, after T0."""
    return case_of(story).clocks[key].due_at - T0
