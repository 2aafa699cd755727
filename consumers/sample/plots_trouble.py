"""Cases in which something goes wrong on our own side: payouts, rounds, late news, mistakes."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from consumers.sample import words
from consumers.sample.catalogue import PAYMENT, TIMER, person
from consumers.sample.ending import Story
from consumers.sample.hours import at_work, hours
from consumers.sample.orders import money
from consumers.sample.plot import Plot
from consumers.sample.plots_trade import PHOTO, VIDEO
from domain.case import commands as cmd
from domain.case.commands import LineMoney
from domain.case.values import (
    Channel,
    ContactKind,
    EvidenceKind,
    Level,
    Liable,
    Outcome,
    Party,
    Priority,
    ProblemType,
    Rating,
    Resolution,
    RootCause,
    Rung,
    Stage,
)

FIRST_ENTRY: Final = 5
"""The version of what is entered right after a complaint: that and its three clocks come before."""

# ------------------------------------------------------------------- payouts


def failed_at_first(s: Story) -> None:
    """The payout fails twice before it goes through."""
    offer = _owed(s)
    key = s.request(offer)
    for reason in s.rng.sample(words.REFUND_FAILURES, 2):
        s.others_take(0.05, 1)
        failed = cmd.RecordRefundFailed(case_id=s.case_id, action_key=key, reason=reason)
        s.tell(failed, PAYMENT)
        s.shop_takes(70)
        s.request(offer, key)
    s.others_take(0.1, 2)
    s.paid(key)
    s.done()


def nobody_knew(s: Story) -> None:
    """The payment service did not say how it ended, for a day and more."""
    offer = _owed(s)
    key = s.request(offer)
    s.others_take(0.05, 0.3)
    s.tell(cmd.RecordRefundUnknown(case_id=s.case_id, action_key=key), PAYMENT)
    s.others_take(20, 40)
    s.paid(key)
    s.done()


def bounced(s: Story) -> None:
    """The money came back from the buyer's closed account and is paid again."""
    offer = _owed(s)
    key = s.request(offer)
    s.others_take(0.05, 0.5)
    s.paid(key)
    s.others_take(20, 50)
    back = cmd.RecordRefundReversed(
        case_id=s.case_id, action_key=key, reason="收款账户已注销，退票"
    )
    s.tell(back, PAYMENT)
    s.shop_takes(90)
    s.contact("退款被银行退回，请您提供新的收款方式，马上重新打款。")
    again = s.request(offer)
    s.others_take(0.1, 2)
    s.paid(again)
    s.done()


def _owed(s: Story) -> str:
    """A whole refund is agreed; the obligation's id."""
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.respond(40)
    s.verify()
    offer = s.agree(s.part(Resolution.REFUND_FULL, s.order.amount()))
    s.shop_takes(100)
    return f"{offer}-1"


def waived(s: Story) -> None:
    """The buyer does without the goodwill that was promised on top."""
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.respond(40)
    half = s.order.amount(percent=50)
    offer = s.agree(s.part(Resolution.REFUND_PARTIAL, half), goodwill=1000)
    s.refund(f"{offer}-1", half)
    s.hears("补偿就不用了，能退款就行。")
    s.tell(cmd.WaiveObligation(case_id=s.case_id, obligation_id=f"{offer}-2"), s.buyers)
    s.buyer_takes(1)
    s.tell(cmd.ConfirmSolution(case_id=s.case_id), s.buyers)
    s.close()


def withdrawn(s: Story) -> None:
    s.complain(s.claim(s.problem))
    s.respond(45)
    if s.rng.random() < 0.5:
        s.shop_takes(60)
        s.propose(s.part(Resolution.REFUND_FULL, s.order.amount()))
    s.buyer_takes(8)
    s.withdraw()


def withdrawn_while_paid(s: Story) -> None:
    """The buyer withdraws while a payout is under way; it runs to its outcome."""
    obligation = _owed(s)
    key = s.request(obligation)
    s.now += hours(0.5)
    s.withdraw()
    s.now += hours(2)
    failed = cmd.RecordRefundFailed(case_id=s.case_id, action_key=key, reason="买家撤销售后")
    s.tell(failed, PAYMENT)


def better_offer(s: Story) -> None:
    """An offer made by mistake is withdrawn for a better one."""
    s.complain(s.claim(s.problem), proofs=VIDEO)
    s.respond(40)
    s.shop_takes(50)
    wrong = s.propose(s.part(Resolution.REFUND_PARTIAL, s.order.amount(percent=5)))
    s.shop_takes(25)
    s.tell(cmd.WithdrawProposal(case_id=s.case_id, proposal_id=wrong), s.desk)
    offer = s.agree(s.part(Resolution.REFUND_FULL, s.order.amount()), minutes=5, buyer_hours=1)
    s.refund(f"{offer}-1")
    s.blame((Liable.MERCHANT, 100), final=False)
    s.done()


def item_by_item(s: Story) -> None:
    """Two lines, two problems: agreed for one item first, for the other later."""
    s.complain(
        s.claim(s.problem), s.claim(ProblemType.WRONG_ITEM, "2", s.order.lines[1][2]), proofs=PHOTO
    )
    s.respond(40)
    s.verify()
    s.shop_takes(60)
    offer = s.propose(
        s.part(Resolution.REFUND_FULL, s.order.amount("1")),
        s.part(Resolution.REFUND_PARTIAL, s.order.amount("2", 30), items=(2,)),
    )
    s.buyer_takes(5)
    s.accept(offer, (1,))
    s.refund(f"{offer}-1")
    more = s.order.amount("2", 60)
    second = s.agree(s.part(Resolution.REFUND_PARTIAL, more, items=(2,)), minutes=60)
    s.refund(f"{second}-1", more)
    s.done()


def paid_by_platform(s: Story) -> None:
    """The shop slept: the platform paid the buyer itself and ended the after-sale."""
    s.complain(s.claim(s.problem), severity=Level.MEDIUM)
    s.neglected(30, 50)
    s.paid(s.key("pt"), by=Party.PLATFORM)
    status = cmd.RecordPlatformStatus(
        case_id=s.case_id, status="平台极速退款，售后完结", ended=True
    )
    s.tell(status, s.platform)
    s.shop_takes(120)
    s.tell(cmd.SettleDivergence(case_id=s.case_id, divergence_id=1), s.desk)
    s.contact("看到平台已为您退款，没能及时处理非常抱歉。")
    s.close(Outcome.SOLVED, RootCause.SERVICE)


# -------------------------------------------------------- rounds and reopening


def broken_again(s: Story) -> None:
    """The replacement is defective as well: a second round, and the money back."""
    s.complain(s.claim(s.problem), proofs=VIDEO)
    s.respond(40)
    s.verify()
    offer = s.agree(s.part(Resolution.EXCHANGE))
    s.goods_come_back()
    s.shop_takes(200)
    s.replacement(f"{offer}-2")
    s.buyer_takes(30)
    s.hears("换回来的又是坏的，你们就没有好的吗？")
    s.tell(cmd.ReportNotSolved(case_id=s.case_id), s.buyers)
    s.upset(Level.HIGH)
    s.apologise()
    again = s.agree(s.part(Resolution.REFUND_FULL, s.order.amount()), minutes=60)
    s.refund(f"{again}-1")
    key = s.goodwill(Rung.RED_PACKET, 2000, skip="二次换货仍有问题，直接现金补偿")
    s.contact("再次向您道歉，额外补偿20元红包已发放。")
    s.tell(cmd.TellRemedy(case_id=s.case_id, action_key=key), s.desk)
    s.done()


def reopened(s: Story) -> None:
    """Closed, and opened again because too little was paid."""
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.respond(40)
    part = s.order.amount(percent=30)
    offer = s.agree(s.part(Resolution.REFUND_PARTIAL, part))
    s.refund(f"{offer}-1", part)
    s.confirm_by_silence()
    s.close()
    s.buyer_takes(60)
    reason = s.rng.choice(words.REOPEN_REASONS)
    s.tell(cmd.ReopenCase(case_id=s.case_id, reason=reason), s.desk)
    s.respond(30)
    whole = s.order.amount(percent=60)
    more = s.agree(s.part(Resolution.REFUND_PARTIAL, whole))
    s.refund(f"{more}-1", LineMoney(line="1", money=money(whole.money.minor - part.money.minor)))
    s.confirm()
    s.close()


# --------------------------------------------------------------------- remedy


def forgiven(s: Story) -> None:
    """Answered much too late; the remedy is told, the buyer forgives, the exemption is asked."""
    s.complain(s.claim(s.problem), proofs=PHOTO, severity=Level.HIGH)
    s.neglected(27, 40)
    s.hears(s.rng.choice(words.BUYER_ANGRY))
    s.upset(Level.HIGH)
    raised = cmd.RaisePriority(case_id=s.case_id, priority=Priority.URGENT, as_remedy=True)
    s.tell(raised, s.supervisor)
    s.tell(cmd.Assign(case_id=s.case_id, assignee=s.agent), s.desk)
    s.contact("让您等了这么久，是我们的失误，真诚向您道歉！", ContactKind.APOLOGY)
    s.verify()
    offer = s.agree(s.part(Resolution.REFUND_FULL, s.order.amount()), minutes=20, buyer_hours=1)
    key = s.goodwill(Rung.COUPON, 1500)
    s.contact("除退款外，再补偿您一张15元无门槛券，已到账。")
    s.tell(cmd.TellRemedy(case_id=s.case_id, action_key=key), s.desk)
    s.refund(f"{offer}-1")
    s.buyer_takes(5)
    s.hears(s.rng.choice(words.BUYER_FORGIVES))
    shot = s.proof(EvidenceKind.SCREENSHOT, Party.SHOP)
    s.tell(cmd.RecordForgiveness(case_id=s.case_id, evidence=(shot,)), s.desk)
    s.tell(cmd.ConfirmSolution(case_id=s.case_id), s.buyers)
    s.close(cause=RootCause.SERVICE)
    s.shop_takes(40)
    s.tell(cmd.RequestExemption(case_id=s.case_id), s.desk)
    s.others_take(20, 70)
    granted = s.rng.random() < 0.7
    s.tell(cmd.RecordExemptionDecision(case_id=s.case_id, granted=granted), s.platform)
    s.tell(cmd.ObserveExemptionTag(case_id=s.case_id, exempt=granted), s.platform)


def still_angry(s: Story) -> None:
    """Solved, but badly rated: followed up, and something learnt."""
    offer = _owed(s)
    key = s.request(offer)
    s.others_take(0.1, 2)
    s.paid(key)
    s.confirm()
    s.close()
    s.evaluate(Rating.NEGATIVE)
    improved = cmd.NoteImprovement.model_validate(
        {"case_id": s.case_id, "area": "training", "text": words.IMPROVEMENTS["training"]}
    )
    s.tell(improved, s.supervisor)


# ------------------------------------------------------ identities and late news


def by_telephone(s: Story) -> None:
    """A call without a number: the order is found, the platform's number learnt later."""
    number = s.another_number()
    s.case_id = f"{s.order.order_id.rsplit(':', 1)[0]}:phone-{s.rng.randrange(10**9):09d}"
    s.complain(s.claim(s.problem), channel=Channel.PHONE, with_order=False)
    s.contact("电话中了解情况并登记。", ContactKind.ANSWERED_CALL, Channel.PHONE)
    s.shop_takes(60)
    s.tell(cmd.LinkOrder(case_id=s.case_id, order_id=s.order.order_id), s.desk)
    s.proof(EvidenceKind.PHOTO)
    s.verify()
    s.buyer_takes(5)
    s.tell(cmd.AddAlias(case_id=s.case_id, alias=number), s.desk)
    half = s.order.amount(percent=50)
    offer = s.agree(s.part(Resolution.REFUND_PARTIAL, half))
    s.refund(f"{offer}-1", half)
    s.done()


def said_twice(s: Story) -> None:
    """Told to the desk in the morning, filed with the platform at night: the two complaints are
    one case, and the earlier one's time starts its clocks."""
    earlier, own = s.now, s.case_id
    s.now += hours(2)
    s.complain(s.claim(s.problem), proofs=PHOTO)
    number = f"{own.rsplit(':', 1)[0]}:im-{s.rng.randrange(10**9):09d}"
    s.complain(s.claim(s.problem), channel=Channel.IM, case_id=number, at=earlier, late=3.5)
    s.respond(60)
    s.verify()
    offer = s.agree(s.part(Resolution.REFUND_FULL, s.order.amount()))
    s.refund(f"{offer}-1")
    s.done()


def learnt_late(s: Story) -> None:
    """The desk's records arrive two days late: the answer had been in time after all."""
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.at(s.now + hours(3))
    s.contact(words.REPLIES[2], late=44, needed=False)
    s.parted()
    s.neglected(50, 60)
    offer = s.agree(s.part(Resolution.REFUND_FULL, s.order.amount()), minutes=30)
    s.refund(f"{offer}-1")
    s.done()


def entered_late(s: Story) -> None:
    """An agent enters a call of yesterday; a supervisor vouches for its time."""
    s.complain(s.claim(s.problem), channel=Channel.PLATFORM)
    s.contact(
        "当天已电话沟通，忘记登记。",
        ContactKind.ANSWERED_CALL,
        Channel.PHONE,
        at=at_work(s.now + hours(2)),
        actor=person(s.agent),
        late=28,
    )
    s.at(at_work(s.now))
    recording = s.proof(EvidenceKind.RECORDING, Party.SHOP)
    vouched = cmd.ConfirmBackdating(case_id=s.case_id, version=FIRST_ENTRY, evidence=(recording,))
    s.tell(vouched, s.supervisor)
    s.verify()
    offer = s.agree(s.part(Resolution.REFUND_FULL, s.order.amount()))
    s.refund(f"{offer}-1")
    s.done()


def wrong_case(s: Story) -> None:
    """A contact was entered in the wrong case and is taken back."""
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.at(s.now + timedelta(minutes=25))
    s.contact("您好，您的换货已寄出，请注意查收。")
    s.shop_takes(60)
    reason = "登记到了别的买家的售后单"
    mistake = cmd.CorrectEntry(case_id=s.case_id, version=FIRST_ENTRY, reason=reason)
    s.tell(mistake, s.desk)
    s.respond(40)
    s.verify()
    offer = s.agree(s.part(Resolution.RESHIP))
    s.shop_takes(200)
    s.replacement(f"{offer}-1")
    s.done()


def status_first(s: Story) -> None:
    """The platform's status comes before the complaint that it is about."""
    filed = s.now
    s.now += timedelta(minutes=3)
    status = cmd.RecordPlatformStatus(case_id=s.case_id, status="待商家处理")
    s.tell(status, s.platform)
    s.complain(s.claim(s.problem), proofs=PHOTO, at=filed, late=1.5)
    s.tell(cmd.CheckClocks(case_id=s.case_id), TIMER)
    s.respond(60)
    s.tell(cmd.RetargetClocks(case_id=s.case_id), s.supervisor)
    s.verify()
    offer = s.agree(s.part(Resolution.REFUND_FULL, s.order.amount()))
    s.refund(f"{offer}-1")
    s.done()


P, UNSHIPPED = ProblemType, Stage.UNSHIPPED
SWAP: Final = ("鞋靴", "数码", "小家电")
PLOTS: Final = (
    Plot(failed_at_first, P.QUALITY_DEFECT, 3, dearest=20000),
    Plot(nobody_knew, P.DAMAGED, 3),
    Plot(bounced, P.DELAYED, 3, UNSHIPPED),
    Plot(paid_by_platform, P.DELAYED, 3, Stage.UNSHIPPED),
    Plot(waived, P.DAMAGED, 2),
    Plot(withdrawn, P.CHANGED_MIND, 3),
    Plot(withdrawn, P.OTHER, 2),
    Plot(withdrawn, P.DELAYED, 2, Stage.IN_TRANSIT),
    Plot(withdrawn_while_paid, P.DELAYED, 1, UNSHIPPED),
    Plot(better_offer, P.DAMAGED, 2),
    Plot(item_by_item, P.DAMAGED, 3, lines=2),
    Plot(broken_again, P.QUALITY_DEFECT, 5, categories=SWAP),
    Plot(reopened, P.NOT_AS_DESCRIBED, 3),
    Plot(forgiven, P.DAMAGED, 4),
    Plot(forgiven, P.WRONG_ITEM, 3),
    Plot(still_angry, P.NOT_AS_DESCRIBED, 3),
    Plot(by_telephone, P.DAMAGED, 4),
    Plot(said_twice, P.WRONG_ITEM, 3),
    Plot(learnt_late, P.WRONG_ITEM, 4),
    Plot(entered_late, P.DELAYED, 2, UNSHIPPED),
    Plot(wrong_case, P.MISSING_ITEM, 2),
    Plot(status_first, P.QUALITY_DEFECT, 2, categories=SWAP),
)
