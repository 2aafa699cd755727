"""Cases that are under way right now, placed so that the live queue shows every sort of work.

Each is told back from the anchor: how many hours ago the buyer complained, and what came since.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from consumers.sample import words
from consumers.sample.catalogue import PAYMENT
from consumers.sample.ending import Story
from consumers.sample.hours import hours
from consumers.sample.orders import Numbers
from consumers.sample.plot import Plot, begin
from consumers.sample.plots_trade import PHOTO, VIDEO
from domain.case import commands as cmd
from domain.case.values import (
    Channel,
    ContactKind,
    DeclineGround,
    EvidenceKind,
    Level,
    Liable,
    Party,
    Priority,
    ProblemType,
    Resolution,
    Stage,
)


@dataclass(frozen=True, slots=True)
class Scene:
    """ago: hours since the complaint; one case for each."""

    plot: Plot
    ago: tuple[float, ...]


def scenes(numbers: Numbers, rng: Callable[[str], Random], anchor: datetime) -> list[Story]:
    """All of them, played up to the anchor. rng: the source of chance for a case, by name."""
    played: list[Story] = []
    for i, scene in enumerate(SCENES):
        for ago in scene.ago:
            story = begin(scene.plot, rng(f"live-{i}-{ago}"), numbers, anchor - hours(ago))
            story.pace = 1.0
            scene.plot.run(story)
            played.append(story)
    return played


def _after(s: Story, least: float, most: float) -> None:
    """Some hours later, exactly as told: nobody is written to meanwhile."""
    s.at(s.now + hours(s.rng.uniform(least, most)))


def _in_talk(s: Story) -> None:
    """Complained, and answered within minutes."""
    s.complain(s.claim(s.problem), proofs=PHOTO)
    _after(s, 0.1, 0.4)
    s.tell(cmd.Assign(case_id=s.case_id, assignee=s.agent), s.desk)
    s.contact(s.rng.choice(words.REPLIES))


def _agreed(s: Story, how: Resolution) -> str:
    _in_talk(s)
    s.verify()
    _after(s, 0.2, 0.5)
    pays = how in (Resolution.REFUND_FULL, Resolution.RETURN_AND_REFUND)
    offer = s.propose(s.part(how, *([s.order.amount()] if pays else [])))
    _after(s, 0.1, 0.3)
    s.accept(offer)
    return offer


def unanswered(s: Story) -> None:
    s.complain(s.claim(s.problem), proofs=PHOTO)


def greeted(s: Story) -> None:
    """Only a machine and an unanswered call so far."""
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.contact(
        words.GREETINGS[0],
        ContactKind.AUTO_GREETING,
        at=s.now + timedelta(seconds=5),
        substantive=False,
    )
    _after(s, 0.3, 1.0)
    s.contact("", ContactKind.UNANSWERED_CALL, Channel.PHONE, delivered=False)


def no_offer_yet(s: Story) -> None:
    _in_talk(s)
    s.verify()
    _after(s, 0.2, 2.0)
    s.hears("那你们打算怎么处理？给个方案吧。")


def dangerous(s: Story) -> None:
    text = "{name}插电后冒烟，手被烫红了！你们必须马上给个说法！"
    s.complain(s.claim(s.problem), proofs=VIDEO, severity=Level.HIGH, safety=True, text=text)
    raised = cmd.RaisePriority(case_id=s.case_id, priority=Priority.URGENT)
    s.tell(raised, s.supervisor)


def deadline_near(s: Story) -> None:
    """The platform wants a solution before our own clock does."""
    _in_talk(s)
    due = s.now + hours(s.rng.uniform(12, 18))
    deadline = cmd.RecordPlatformDeadline(case_id=s.case_id, clock="first_solution", due_at=due)
    s.tell(deadline, s.platform)


def called_in(s: Story) -> None:
    _in_talk(s)
    _after(s, 1, 3)
    offer = s.propose(s.part(Resolution.REFUND_PARTIAL, s.order.amount(percent=15)))
    _after(s, 0.5, 2)
    s.tell(cmd.DeclineProposal(case_id=s.case_id, proposal_id=offer), s.buyers)
    called = cmd.RecordIntervention(case_id=s.case_id, called_by=Party.BUYER)
    s.tell(called, s.platform)


def to_be_paid(s: Story) -> None:
    _agreed(s, Resolution.REFUND_FULL)


def payout_failed(s: Story) -> None:
    offer = _agreed(s, Resolution.REFUND_FULL)
    key = s.request(f"{offer}-1")
    _after(s, 0.1, 0.5)
    failed = cmd.RecordRefundFailed(case_id=s.case_id, action_key=key, reason="账户余额不足")
    s.tell(failed, PAYMENT)


def payout_unknown(s: Story) -> None:
    offer = _agreed(s, Resolution.REFUND_FULL)
    key = s.request(f"{offer}-1")
    _after(s, 0.1, 0.5)
    s.tell(cmd.RecordRefundUnknown(case_id=s.case_id, action_key=key), PAYMENT)


def payout_bounced(s: Story) -> None:
    offer = _agreed(s, Resolution.REFUND_FULL)
    key = s.request(f"{offer}-1")
    _after(s, 0.1, 0.5)
    s.paid(key)
    _after(s, 5, 8)
    back = cmd.RecordRefundReversed(case_id=s.case_id, action_key=key, reason="收款账户已注销")
    s.tell(back, PAYMENT)


def to_be_sent(s: Story) -> None:
    _agreed(s, Resolution.RESHIP)


def offer_open(s: Story) -> None:
    _in_talk(s)
    s.verify()
    _after(s, 0.3, 1)
    s.propose(s.part(Resolution.REFUND_PARTIAL, s.order.amount(percent=25)))


def countered(s: Story) -> None:
    offer_open(s)
    _after(s, 0.5, 1)
    more = s.part(Resolution.REFUND_PARTIAL, s.order.amount(percent=60))
    s.propose(more, by=Party.BUYER, counters="f1")


def on_the_way_back(s: Story) -> None:
    """Address agreed; posted a day later; informed since."""
    _agreed(s, Resolution.RETURN_AND_REFUND)
    _after(s, 0.2, 0.5)
    back = s.agree_return()
    s.buyer_takes(20, 0.2)
    s.posted(back, proof=True)
    s.others_take(20, 40)


def to_be_inspected(s: Story) -> None:
    on_the_way_back(s)
    s.received("r1")


def to_be_posted(s: Story) -> None:
    _agreed(s, Resolution.RETURN_AND_REFUND)
    _after(s, 0.2, 0.5)
    s.agree_return()


def said_no(s: Story) -> None:
    _in_talk(s)
    report = s.proof(EvidenceKind.REPORT, Party.SHOP)
    _after(s, 0.5, 1)
    s.decline(DeclineGround.NO_DEFECT_FOUND, (report,))


def at_the_supplier(s: Story) -> None:
    """Paid; only the supplier's verdict is missing."""
    offer = _agreed(s, Resolution.REFUND_FULL)
    s.appraise()
    key = s.request(f"{offer}-1")
    _after(s, 0.1, 0.5)
    s.paid(key)


def nobodys_goods(s: Story) -> None:
    _in_talk(s)
    s.verify()
    s.appraise()


def in_the_warehouse(s: Story) -> None:
    _in_talk(s)
    work = cmd.HandOverWork(
        case_id=s.case_id, handover_id="h1", department="仓库", due_at=s.now + hours(20)
    )
    s.tell(work, s.desk)
    _after(s, 0.2, 0.4)
    s.propose(s.part(Resolution.RESHIP))
    s.accept("f1")


def for_a_person(s: Story) -> None:
    """The rules will not decide: the account is flagged."""
    _in_talk(s)
    s.verify()
    s.auto_refund(risk_flag=True, evidence_supports=True)


def carrier_blamed(s: Story) -> None:
    """Returned, and lost on the way: the claim is to be filed."""
    on_the_way_back(s)
    s.tell(cmd.RecordReturnLost(case_id=s.case_id, return_id="r1"), s.carrier)
    s.blame((Liable.CARRIER, 100), final=False)
    s.contact("退货在途中丢失，有寄件凭证不影响您退款，我们正在处理。")


def came_late(s: Story) -> None:
    """The return lapsed; the parcel comes all the same, and somebody has to decide."""
    to_be_posted(s)
    s.at(s.now + hours(7.2 * 24))
    s.tell(cmd.LapseReturn(case_id=s.case_id, return_id="r1"), s.desk)
    s.contact("退货超时未寄出，退货已关闭，如有疑问请联系我们。")
    _after(s, 3, 6)
    s.posted("r1", proof=True)


P = ProblemType
SCENES: Final = (
    Scene(Plot(unanswered, P.WRONG_ITEM, 0), (0.1, 1.2)),
    Scene(Plot(unanswered, P.SIZE_FIT, 0), (0.4, 3.5)),
    Scene(Plot(unanswered, P.DAMAGED, 0), (0.8, 21.6)),
    Scene(Plot(unanswered, P.DELAYED, 0, Stage.UNSHIPPED), (0.25, 22.9)),
    Scene(Plot(unanswered, P.NO_REASON, 0), (2.2, 23.5)),
    Scene(Plot(unanswered, P.LOST, 0, Stage.IN_TRANSIT), (23.2, 26.5)),
    Scene(Plot(unanswered, P.MISSING_ITEM, 0), (29.0, 51.0)),
    Scene(Plot(greeted, P.QUALITY_DEFECT, 0), (5.0, 20.5, 33.0)),
    Scene(Plot(no_offer_yet, P.NOT_AS_DESCRIBED, 0), (8.0, 19.5, 23.0)),
    Scene(Plot(dangerous, P.QUALITY_DEFECT, 0, categories=("小家电",)), (0.9,)),
    Scene(Plot(deadline_near, P.DAMAGED, 0), (6.0, 11.5)),
    Scene(Plot(deadline_near, P.WRONG_ITEM, 0), (9.0,)),
    Scene(Plot(called_in, P.NOT_AS_DESCRIBED, 0), (10.0, 18.0)),
    Scene(Plot(to_be_paid, P.DELAYED, 0, Stage.UNSHIPPED), (6.0, 14.0, 19.0)),
    Scene(Plot(payout_failed, P.DAMAGED, 0), (7.0, 15.0)),
    Scene(Plot(payout_unknown, P.DELAYED, 0, Stage.UNSHIPPED), (9.0, 17.0)),
    Scene(Plot(payout_bounced, P.DAMAGED, 0), (20.0,)),
    Scene(Plot(to_be_sent, P.MISSING_ITEM, 0), (8.0, 16.0)),
    Scene(Plot(offer_open, P.DAMAGED, 0), (5.0, 30.0)),
    Scene(Plot(countered, P.NOT_AS_DESCRIBED, 0), (7.5,)),
    Scene(Plot(on_the_way_back, P.NO_REASON, 0), (66.0,)),
    Scene(Plot(to_be_inspected, P.NO_REASON, 0), (80.0, 92.0)),
    Scene(Plot(to_be_posted, P.SIZE_FIT, 0), (50.0, 120.0)),
    Scene(Plot(said_no, P.QUALITY_DEFECT, 0), (40.0, 100.0)),
    Scene(Plot(at_the_supplier, P.QUALITY_DEFECT, 0), (30.0, 90.0)),
    Scene(Plot(nobodys_goods, P.DAMAGED, 0, known=False), (12.0,)),
    Scene(Plot(in_the_warehouse, P.MISSING_ITEM, 0), (15.0, 21.0)),
    Scene(Plot(for_a_person, P.DAMAGED, 0), (4.0, 13.0)),
    Scene(Plot(came_late, P.SIZE_FIT, 0), (185.0,)),
    Scene(Plot(carrier_blamed, P.RETURN_DISPUTE, 0), (95.0,)),
)
